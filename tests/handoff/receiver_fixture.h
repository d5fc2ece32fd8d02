// SPDX-License-Identifier: Apache-2.0
// What tests of the HandoffReceiver share: a receiver over a ring that completes as the test says, whose clients the
// test looks at.

#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "base/json_input.h"
#include "base/log.h"
#include "handoff/handoff_receiver.h"
#include "support/connection_part.h"
#include "support/fake_ring.h"
#include "support/unix_sockets.h"

namespace streaming {

class ReceiverFixture : public testing::Test, private CompletionHandler, private ClientReceiver {
 protected:
  static constexpr Duration kReceiveTimeout{5000};

  ReceiverFixture() { log::set_level(log::Level::kOff); }

  void connect() {
    load.assign();
    receiver.on_connection(RingFile::direct(40));
  }
  // A message with these descriptors arrives; they are in the process's table, as the kernel has put them there.
  void arrive(std::string payload, std::vector<UniqueFd> descriptors, int flags = 0) {
    if (ring.find(Operation::kHandoffReceive).events != 0) {
      ring.complete(Operation::kHandoffReceive, POLLIN);
      ring.pending.push_front(ring.pending.back());  // the receive replaces the poll
      ring.pending.pop_back();
    }
    msghdr& message = *ring.find(Operation::kHandoffReceive).message;
    message.msg_flags = flags;
    auto* header = static_cast<cmsghdr*>(message.msg_control);
    const std::size_t bytes = descriptors.size() * sizeof(int);
    message.msg_controllen = 0;
    if (sender) {
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_CREDENTIALS;
      header->cmsg_len = CMSG_LEN(sizeof *sender);
      std::memcpy(CMSG_DATA(header), &*sender, sizeof *sender);
      message.msg_controllen = CMSG_SPACE(sizeof *sender);
      header = reinterpret_cast<cmsghdr*>(static_cast<char*>(message.msg_control) + CMSG_SPACE(sizeof *sender));
    }
    if (!descriptors.empty()) {
      message.msg_controllen += CMSG_LEN(bytes);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(bytes);
      for (std::size_t i = 0; i < descriptors.size(); ++i) {
        const int fd = descriptors[i].release();
        std::memcpy(CMSG_DATA(header) + i * sizeof fd, &fd, sizeof fd);
      }
    }
    const std::size_t size = payload.size();
    payload.append(kJsonPadding, 'x');
    // For an empty message the kernel takes no buffer.
    const std::span<char> buffer = size == 0 ? std::span<char>() : std::span<char>(payload.data(), size);
    ring.complete(Operation::kHandoffReceive, static_cast<std::int32_t>(size), false, buffer);
  }
  void arrive_with_client(std::string payload, int flags = 0) {
    auto [client, browser] = socket_pair();
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(client));
    arrive(std::move(payload), std::move(descriptors), flags);
  }
  void pass(Duration time) {
    timers.set_now(timers.now() + time);
    timers.expire();
  }
  std::string reply() { return ring.complete_send(Operation::kHandoffReply); }
  bool closed() { return receiver.idle() && ring.closed.size() == 1; }

  FakeRing ring{this};
  TimerWheel timers{Time(Duration(1000))};
  WorkerLoad load;
  Counters counters;
  std::vector<std::string> prompts;  // of the accepted clients
  std::vector<Client> clients;       // the accepted ones
  std::optional<Refusal> refusal;    // on_client() returns it
  std::optional<ucred> sender;       // of the next messages
  bool room_for_refusals = true;
  std::vector<int> answered;  // statuses of the clients that the daemon had to answer
  HandoffReceiver receiver{ring, timers, load, counters, {kReceiveTimeout, 1 << 20, {}, {}}, *this};

  int held = 0;             // streams that may not send yet
  int started = 0;          // that may
  int given_back = 0;       // that have ended without a byte
  int places = 0;           // that are reserved
  bool relay_only = false;  // of the reservations

 private:
  struct FakeReservation final : Reservation {
    FakeReservation(ReceiverFixture& owner, std::string its_prompt) : fixture(owner), prompt(std::move(its_prompt)) {
      ++fixture.places;
    }
    ~FakeReservation() override { --fixture.places; }
    bool is_relay_only() const override { return fixture.relay_only; }
    Admission take(Client& client) override {
      if (fixture.refusal) return *fixture.refusal;
      fixture.prompts.push_back(prompt);
      fixture.clients.push_back(std::move(client));
      return admitted(Handle{});
    }
    ReceiverFixture& fixture;
    std::string prompt;
  };

  void on_completion(const Completion& completion) override {
    switch (completion.tag.operation) {
      case Operation::kHandoffReceive:
        return receiver.on_message(completion);
      case Operation::kHandoffReply:
        return receiver.on_reply_sent(completion);
      case Operation::kHandoffVerdict:
        return receiver.on_verdict(completion);
      default:
        FAIL() << "an unexpected operation";
    }
  }
  Admission on_client(Client& client, std::unique_ptr<HandoffRequest> request) override {
    if (refusal) return *refusal;
    prompts.emplace_back(request->prompt);
    clients.push_back(std::move(client));
    return admitted(Handle{});
  }
  Admission on_reservation(std::unique_ptr<HandoffRequest> request,
                           std::unique_ptr<Reservation>& reservation) override {
    if (refusal) return *refusal;
    reservation = std::make_unique<FakeReservation>(*this, std::string(request->prompt));
    return admitted();
  }
  Admission on_reserved_client(Client& client, std::unique_ptr<Reservation> reservation) override {
    return reservation->take(client);
  }
  void hold(Handle) override { ++held; }
  void start(Handle) override {
    --held;
    ++started;
  }
  void give_back(Handle) override {
    --held;
    ++given_back;
  }
  bool on_refused_client(Client& client, const Refusal& said) override {
    if (!room_for_refusals) return false;
    answered.push_back(said.status);
    clients.push_back(std::move(client));
    return true;
  }
};

inline std::string name_of_type(const testing::TestParamInfo<int>& type) {
  return type.param == SOCK_STREAM ? "Stream" : "Seqpacket";
}

// For both types of the socket.
class HandoffReceiverTest : public ReceiverFixture, public testing::WithParamInterface<int> {
 protected:
  HandoffReceiverTest() { receiver.set_socket_type(GetParam()); }
};

// The connection part of a client over TLS without secrets.
inline std::string tls_part(handoff_protocol::TlsVersion version = handoff_protocol::TlsVersion::k13) {
  handoff_protocol::TlsState tls;
  tls.version = version;
  return connection_part(tls);
}

}  // namespace streaming
