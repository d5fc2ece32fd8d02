// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff_receiver.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <cstring>

#include "base/json_input.h"
#include "base/log.h"
#include "handoff/limits.h"
#include "protocol/handoff_protocol.h"
#include "support/connection_part.h"
#include "support/fake_ring.h"
#include "support/payload_memfd.h"
#include "support/unix_sockets.h"

namespace streaming {
namespace {

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

 private:
  void on_completion(const Completion& completion) override {
    switch (completion.tag.operation) {
      case Operation::kHandoffReceive:
        return receiver.on_message(completion);
      case Operation::kHandoffReply:
        return receiver.on_reply_sent(completion);
      case Operation::kHandoffVerdict:
        return receiver.on_verdict(completion);
      case Operation::kHandoffUnread:
        return receiver.on_unread(completion);
      default:
        FAIL() << "an unexpected operation";
    }
  }
  Admission on_client(Client& client, std::unique_ptr<HandoffRequest> request) override {
    if (refusal) return *refusal;
    prompts.emplace_back(request->prompt);
    clients.push_back(std::move(client));
    return admitted();
  }
  bool on_refused_client(Client& client, const Refusal& said) override {
    if (!room_for_refusals) return false;
    answered.push_back(said.status);
    clients.push_back(std::move(client));
    return true;
  }
};

// For both types of the socket.
class HandoffReceiverTest : public ReceiverFixture, public testing::WithParamInterface<int> {
 protected:
  HandoffReceiverTest() { receiver.set_socket_type(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(EachType, HandoffReceiverTest, testing::Values(SOCK_SEQPACKET, SOCK_STREAM),
                         [](const auto& type) { return type.param == SOCK_STREAM ? "Stream" : "Seqpacket"; });

TEST_P(HandoffReceiverTest, AcknowledgesAndPassesTheAssignmentOn) {
  connect();
  arrive_with_client(R"({"prompt":"hi"})");
  EXPECT_EQ(prompts, std::vector<std::string>{"hi"});
  EXPECT_EQ(reply(), "A");
  EXPECT_TRUE(closed());
  EXPECT_EQ(load.assigned, 1u) << "it is the stream's now";
}

TEST_P(HandoffReceiverTest, GoesOnWhenTheAcknowledgementCannotBeDelivered) {
  connect();
  arrive_with_client("{}");
  ring.complete(Operation::kHandoffReply, -EPIPE);
  EXPECT_TRUE(closed());
  EXPECT_EQ(prompts.size(), 1u);
}

TEST_P(HandoffReceiverTest, LetsApacheAnswerARefusalThatItHasRead) {
  refusal = Refusal{503, "full", 3};
  connect();
  arrive_with_client("{}");
  EXPECT_EQ(reply(), R"(R{"status":503,"retry_after":3,"connection":1})");
  EXPECT_TRUE(answered.empty());
  ring.complete(Operation::kHandoffVerdict, POLLIN | POLLHUP | POLLRDHUP);
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
  EXPECT_EQ(load.assigned, 0u);
}

TEST_P(HandoffReceiverTest, AnswersItselfWhenTheRefusalWasClosedUnread) {
  connect();
  arrive_with_client("not json");
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":1})");
  ring.complete(Operation::kHandoffVerdict, POLLERR | POLLHUP);
  EXPECT_EQ(answered, std::vector<int>{400});
  EXPECT_TRUE(closed());
}

TEST_P(HandoffReceiverTest, AnswersItselfWhenApacheHasNotWaited) {
  connect();
  arrive_with_client("[]");
  ring.complete(Operation::kHandoffReply, -EPIPE);
  EXPECT_EQ(answered, std::vector<int>{400});
  EXPECT_TRUE(closed());
}

TEST_P(HandoffReceiverTest, AnswersTheClientOfAPeerThatStaysAndDoesNotReadTheRefusal) {
  constexpr std::int32_t kUnread = 768;
  connect();
  arrive_with_client("[]");
  reply();
  pass(kRefusalReadTimeout);
  ring.complete_cancelled();
  ring.complete(Operation::kHandoffUnread, kUnread);
  EXPECT_TRUE(closed());
  EXPECT_EQ(answered, std::vector<int>{400});
}

TEST_P(HandoffReceiverTest, LeavesTheClientToAPeerThatHasReadTheRefusalAndStays) {
  connect();
  arrive_with_client("[]");
  reply();
  pass(kRefusalReadTimeout);
  ring.complete_cancelled();
  ring.complete(Operation::kHandoffUnread, 0);
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
}

TEST_P(HandoffReceiverTest, AnswersAClientWhoseRefusalCouldNotBeSentInTime) {
  connect();
  arrive_with_client("[]");
  ring.complete(Operation::kHandoffReply, -ENOMEM);
  pass(kRefusalReadTimeout);
  if (ring.count(Operation::kHandoffReply) > 0) ring.complete(Operation::kHandoffReply, -ENOMEM);
  EXPECT_TRUE(closed());
  EXPECT_EQ(answered, std::vector<int>{400});
}

TEST_P(HandoffReceiverTest, RefusesThoseWhoAreNotAllowedToHandOver) {
  receiver.set_limits({kReceiveTimeout, 1 << 20, {33, 0}, {}});
  for (const std::optional<ucred>& stranger : {std::optional<ucred>({1, 1000, 33}), std::optional<ucred>()}) {
    sender = stranger;
    connect();
    arrive_with_client("{}");
    EXPECT_EQ(reply(), R"(R{"status":403,"connection":1})");
    ring.complete(Operation::kHandoffVerdict, POLLIN | POLLHUP | POLLRDHUP);
  }
  EXPECT_TRUE(prompts.empty());
  EXPECT_EQ(counters.get(Counter::kRefusedStranger), 2u);
  for (const uid_t allowed : {33u, 0u}) {
    sender = ucred{1, allowed, 1000};
    connect();
    arrive_with_client("{}");
    EXPECT_EQ(reply(), "A");
  }
  receiver.set_limits({kReceiveTimeout, 1 << 20, {}, {}});
  sender = ucred{1, 1000, 1000};
  connect();
  arrive_with_client("{}");
  EXPECT_EQ(reply(), "A") << "without a list everybody may";
}

class SeqpacketReceiverTest : public ReceiverFixture {};

TEST_F(SeqpacketReceiverTest, RefusesAPayloadThatWasCut) {
  connect();
  arrive_with_client("{}", MSG_TRUNC);
  EXPECT_EQ(reply(), R"(R{"status":413,"connection":1})");
}

TEST_P(HandoffReceiverTest, WaitsForAPeerThatHasOnlyShutDownItsSendingSide) {
  connect();
  arrive_with_client("[]");
  reply();
  EXPECT_EQ(ring.find(Operation::kHandoffVerdict).events & POLLIN, 0) << "bytes behind the message are no verdict";
  ring.complete(Operation::kHandoffVerdict, POLLRDHUP);
  EXPECT_FALSE(closed()) << "it may still read the refusal";
  pass(kHandoffRetryPause);
  ring.complete(Operation::kHandoffVerdict, POLLHUP | POLLRDHUP);
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
}

TEST_P(HandoffReceiverTest, ClosesAConnectionThatBringsNoClient) {
  connect();
  arrive("{}", {});
  EXPECT_TRUE(closed());
  EXPECT_EQ(counters.get(Counter::kHandoffsInvalid), 1u);
  EXPECT_EQ(load.assigned, 0u);
}

TEST_P(HandoffReceiverTest, TakesTheDescriptorsOfAnEmptyMessageToo) {
  connect();
  arrive_with_client("");
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":1})");
}

TEST_P(HandoffReceiverTest, ReadsAMessageThatIsThereWhenTheTimeIsUp) {
  connect();
  pass(kReceiveTimeout);
  ring.complete_cancelled();
  pass(Duration(0));
  EXPECT_FALSE(ring.find(Operation::kHandoffReceive).waits);
  arrive_with_client("{}");
  EXPECT_EQ(reply(), "A");
  EXPECT_TRUE(closed());
  EXPECT_EQ(prompts.size(), 1u);
}

TEST_P(HandoffReceiverTest, ReadsAMessageThatWaitsForABufferWhenTheTimeIsUp) {
  connect();
  ring.complete(Operation::kHandoffReceive, -ENOBUFS);
  timers.set_now(timers.now() + kReceiveTimeout);
  timers.expire();
  pass(Duration(1));
  ring.complete_cancelled();
  pass(Duration(1));
  arrive_with_client("{}");
  EXPECT_EQ(reply(), "A");
  EXPECT_TRUE(closed());
}

TEST_P(HandoffReceiverTest, GivesARefusalThatCameInTheLastMomentTheTimeToBeRead) {
  connect();
  pass(kReceiveTimeout);
  ring.complete_cancelled();
  pass(Duration(0));
  arrive_with_client("[]");
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":1})");
  ring.complete(Operation::kHandoffVerdict, POLLIN | POLLHUP | POLLRDHUP);
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
}

TEST_P(HandoffReceiverTest, ClosesAConnectionThatEndsWithoutAWord) {
  connect();
  arrive("", {});
  arrive("", {});
  EXPECT_TRUE(closed());
  EXPECT_EQ(load.assigned, 0u);
}

TEST_P(HandoffReceiverTest, FindsAMessageThatTheKernelHasQueuedBehindAnEndOfFile) {
  connect();
  arrive("", {});
  arrive_with_client("{}");
  EXPECT_EQ(reply(), "A");
  EXPECT_TRUE(closed());
}

TEST_P(HandoffReceiverTest, ClosesASilentConnectionWhenItsTimeIsUp) {
  connect();
  timers.set_now(timers.now() + kReceiveTimeout);
  timers.expire();
  EXPECT_FALSE(closed()) << "the kernel still holds the message";
  ring.complete_cancelled();
  pass(Duration(0));
  ring.complete(Operation::kHandoffReceive, -EAGAIN);
  EXPECT_TRUE(closed());
  EXPECT_EQ(counters.get(Counter::kHandoffsTimedOut), 1u);
}

TEST_P(HandoffReceiverTest, TriesAgainWhenAllReceiveBuffersAreInUse) {
  connect();
  ring.complete(Operation::kHandoffReceive, -ENOBUFS);
  timers.expire();
  EXPECT_EQ(ring.count(Operation::kHandoffReceive), 1);
  arrive_with_client("{}");
  EXPECT_EQ(reply(), "A");
}

TEST_P(HandoffReceiverTest, ReadsABurstInItsOrderAndNoFasterThanItHasBuffers) {
  constexpr std::uint32_t kBurst = 3 * kReceiveBuffers;
  for (std::uint32_t i = 0; i < kBurst; ++i) connect();
  const Tag first = ring.find(Operation::kHandoffReceive).tag;
  for (std::uint32_t i = 0; i < kBurst; ++i) ring.complete(Operation::kHandoffReceive, -ENOBUFS);
  EXPECT_EQ(load.unread, kBurst) << "the listener must not send more";
  timers.expire();
  EXPECT_EQ(ring.count(Operation::kHandoffReceive), static_cast<int>(kReceiveBuffers));
  EXPECT_EQ(ring.find(Operation::kHandoffReceive).tag, first);
  timers.expire();
  timers.expire();
  EXPECT_EQ(ring.count(Operation::kHandoffReceive), static_cast<int>(kBurst));
}

TEST_P(HandoffReceiverTest, TriesAgainWhatTheKernelHasNoMemoryFor) {
  refusal = Refusal{503, "full", 3};
  connect();
  for (const int error : {ENOMEM, EAGAIN, EINTR}) {
    ring.complete(Operation::kHandoffReceive, -error);
    pass(kHandoffRetryPause);
  }
  arrive_with_client("{}");
  for (const int error : {ENOMEM, EAGAIN, EINTR, ENOBUFS}) {
    ring.complete(Operation::kHandoffReply, -error);
    EXPECT_TRUE(answered.empty()) << "Apache may still be told";
    pass(kHandoffRetryPause);
  }
  EXPECT_EQ(reply(), R"(R{"status":503,"retry_after":3,"connection":1})");
  ring.complete(Operation::kHandoffVerdict, -ENOMEM);
  pass(kHandoffRetryPause);
  ring.complete(Operation::kHandoffVerdict, POLLIN | POLLHUP | POLLRDHUP);
  EXPECT_TRUE(closed());
}

TEST_P(HandoffReceiverTest, TriesNothingAgainWhenItsTimeIsUpOrWhenItStops) {
  connect();
  ring.complete(Operation::kHandoffReceive, -ENOMEM);
  receiver.stop();
  EXPECT_TRUE(closed());
  pass(kHandoffRetryPause);
  EXPECT_EQ(ring.count(Operation::kHandoffReceive), 0);
  EXPECT_EQ(load.unread, 0u);
}

TEST_P(HandoffReceiverTest, CountsWhoIsNotServed) {
  connect();
  ring.complete(Operation::kHandoffReceive, -ENOBUFS);
  receiver.stop();
  EXPECT_EQ(counters.get(Counter::kHandoffsTimedOut), 1u) << "its message was there";

  room_for_refusals = false;
  refusal = Refusal{503, "full", 3};
  connect();
  arrive_with_client("{}");
  ring.complete(Operation::kHandoffReply, -EPIPE);
  EXPECT_EQ(counters.get(Counter::kHandoffsOverflown), 1u);
  EXPECT_TRUE(receiver.idle());
}

TEST_P(HandoffReceiverTest, LetsAConnectionGoWhoseReceiveWasCancelled) {
  connect();
  ring.complete(Operation::kHandoffReceive, -ECANCELED);
  EXPECT_TRUE(closed());
  EXPECT_EQ(load.assigned, 0u);
  EXPECT_EQ(load.unread, 0u);
}

TEST_P(HandoffReceiverTest, CountsAConnectionAsUnreadUntilItsPeerHasSpokenOrHadTheTime) {
  connect();
  connect();
  EXPECT_EQ(load.unread, 2u);
  arrive_with_client("{}");
  EXPECT_EQ(load.unread, 1u);
  pass(kSilentAfter);
  EXPECT_EQ(load.unread, 0u);
  arrive_with_client("{}");
  EXPECT_EQ(load.unread, 0u);
}

TEST_P(HandoffReceiverTest, ClosesTheOldestOfTheSilentWhenTheyAreTooMany) {
  for (std::uint32_t i = 0; i < kMaxSilentConnections; ++i) connect();
  pass(kSilentAfter);
  EXPECT_TRUE(ring.cancelled.empty());
  const Tag oldest = ring.find(Operation::kHandoffReceive).tag;
  connect();
  pass(kSilentAfter);
  ASSERT_EQ(ring.cancelled.size(), 1u);
  EXPECT_EQ(ring.cancelled.front(), oldest);
  ring.complete_cancelled();
  pass(Duration(0));
  while (ring.find(Operation::kHandoffReceive).waits) ring.pending.pop_front();
  ring.complete(Operation::kHandoffReceive, -EAGAIN);
  EXPECT_EQ(ring.closed.size(), 1u);
  EXPECT_EQ(load.assigned, kMaxSilentConnections);
}

TEST_P(HandoffReceiverTest, DoesNotCountWhoHasSpokenAmongTheSilent) {
  for (std::uint32_t i = 0; i < kMaxSilentConnections; ++i) connect();
  pass(kSilentAfter);
  for (int i = 0; i < 10; ++i) {
    arrive_with_client("{}");
    reply();
    connect();
    pass(kSilentAfter);
  }
  EXPECT_TRUE(ring.cancelled.empty());
}

TEST_P(HandoffReceiverTest, ClosesAtOnceWhatIsOverItsLimit) {
  for (std::uint32_t i = 0; i < kMaxHandoffConnections; ++i) connect();
  EXPECT_TRUE(ring.closed.empty());
  connect();
  EXPECT_EQ(ring.closed.size(), 1u);
  EXPECT_EQ(load.assigned, kMaxHandoffConnections);
  receiver.stop();
  ring.complete_cancelled();
  EXPECT_TRUE(receiver.idle());
  EXPECT_EQ(load.assigned, 0u);
}

// --- Connection parts -----------------------------------------------------------------------------------------------

std::string tls_part(handoff_protocol::TlsVersion version = handoff_protocol::TlsVersion::k13) {
  handoff_protocol::TlsState tls;
  tls.version = version;
  return connection_part(tls);
}

TEST_P(HandoffReceiverTest, TakesAClientOverTlsWhoseConnectionIsDescribedInFrontOfThePayload) {
  for (const auto version : {handoff_protocol::TlsVersion::k12, handoff_protocol::TlsVersion::k13}) {
    connect();
    arrive_with_client(tls_part(version) + R"({"prompt":"hi"})");
    EXPECT_EQ(reply(), "A");
    EXPECT_EQ(prompts.back(), "hi");
    EXPECT_EQ(clients.back().transport, Transport::kTls);
    EXPECT_TRUE(clients.back().tls);
  }
  connect();
  arrive_with_client(tls_part() + '\0');
  EXPECT_EQ(reply(), "A") << "a payload is optional, as for every client";
}

TEST_P(HandoffReceiverTest, TakesAPayloadInAMemfdBehindAConnectionPart) {
  auto [client, browser] = socket_pair();
  std::vector<UniqueFd> descriptors;
  descriptors.push_back(std::move(client));
  descriptors.push_back(payload_memfd(R"({"prompt":"from a memfd"})"));
  connect();
  arrive(tls_part() + '\0', std::move(descriptors));
  EXPECT_EQ(reply(), "A");
  EXPECT_EQ(prompts, std::vector<std::string>{"from a memfd"});
  EXPECT_TRUE(clients.back().tls);
}

TEST_P(HandoffReceiverTest, CountsThePayloadWithoutTheConnectionPart) {
  const std::string payload = R"({"prompt":"123"})";
  receiver.set_limits({kReceiveTimeout, payload.size(), {}, {}});
  connect();
  arrive_with_client(tls_part() + payload);
  EXPECT_EQ(reply(), "A");
  connect();
  arrive_with_client(tls_part() + R"({"prompt":"1234"})");
  EXPECT_EQ(reply(), R"(R{"status":413,"connection":1})");
}

TEST_P(HandoffReceiverTest, AnswersARefusedClientOverTlsThroughTls) {
  connect();
  arrive_with_client(tls_part() + "[]");
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":1})");
  ring.complete(Operation::kHandoffVerdict, POLLERR | POLLHUP);
  EXPECT_EQ(answered, std::vector<int>{400});
  EXPECT_TRUE(clients.back().tls);
}

// Apache may read the refusal later, and then answers with records that have the same numbers and key.
TEST_P(HandoffReceiverTest, LeavesARefusedClientOverTlsToAPeerThatIsStillThere) {
  constexpr std::int32_t kUnread = 768;
  connect();
  arrive_with_client(tls_part() + "[]");
  reply();
  pass(kRefusalReadTimeout);
  ring.complete_cancelled();
  ring.complete(Operation::kHandoffUnread, kUnread);
  EXPECT_TRUE(receiver.idle());

  connect();
  arrive_with_client(tls_part() + "[]");
  ring.complete(Operation::kHandoffReply, -ENOMEM);
  pass(kRefusalReadTimeout);
  if (ring.count(Operation::kHandoffReply) > 0) ring.complete(Operation::kHandoffReply, -ENOMEM);
  EXPECT_TRUE(receiver.idle());

  connect();
  arrive_with_client(tls_part() + "[]");
  receiver.stop();
  reply();
  ring.complete(Operation::kHandoffUnread, kUnread);
  EXPECT_TRUE(receiver.idle());
  EXPECT_TRUE(answered.empty());
  EXPECT_EQ(load.assigned, 0u);
}

TEST_P(HandoffReceiverTest, RefusesAConnectionPartThatItCannotReadAndAnswersNobodyInPlainText) {
  std::string unknown = tls_part();
  unknown[1] = 2;
  std::string malformed = tls_part();
  malformed[3] = static_cast<char>(malformed[3] - 1);
  for (const std::string& part : {unknown, malformed}) {
    auto [client, browser] = socket_pair();
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(client));
    connect();
    arrive(part + "{}", std::move(descriptors));
    EXPECT_EQ(read_some(browser.get()), "") << "it is closed, because Apache alone can write to it";
    EXPECT_EQ(reply(), R"(R{"status":400,"connection":1})");
    EXPECT_TRUE(receiver.idle());
  }
  EXPECT_TRUE(answered.empty());
  EXPECT_TRUE(prompts.empty());
  EXPECT_EQ(load.assigned, 0u);
}

TEST_P(HandoffReceiverTest, RefusesAMessageThatEndsWithinItsConnectionPart) {
  connect();
  arrive_with_client(tls_part().substr(0, 20));
  if (GetParam() == SOCK_STREAM) arrive("", {});
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":1})");
  EXPECT_TRUE(receiver.idle());
}

// --- Messages in parts ----------------------------------------------------------------------------------------------

class StreamReceiverTest : public ReceiverFixture {
 protected:
  StreamReceiverTest() { receiver.set_socket_type(SOCK_STREAM); }
};

TEST_F(StreamReceiverTest, WaitsForTheRestOfTheMessage) {
  connect();
  arrive_with_client(R"( {"prompt":"a \"}\\)");
  EXPECT_TRUE(prompts.empty());
  arrive(R"(\" b","request":{"n":[1)", {});
  arrive("]}", {});
  arrive("}", {});
  EXPECT_EQ(prompts, std::vector<std::string>{R"(a "}\" b)"});
  EXPECT_EQ(reply(), "A");
  EXPECT_TRUE(closed());
  EXPECT_EQ(load.assigned, 1u);
  EXPECT_EQ(load.unread, 0u);
}

TEST_F(StreamReceiverTest, TakesAMessageThatIsCutAnywhere) {
  const std::string payload = R"({"prompt":"a \"}\\","request":{"n":[1,"]"]}})";
  for (std::size_t cut = 1; cut < payload.size(); ++cut) {
    connect();
    arrive_with_client(payload.substr(0, cut));
    arrive(payload.substr(cut), {});
    EXPECT_EQ(reply(), "A") << payload.substr(0, cut);
    EXPECT_EQ(prompts.back(), R"(a "}\)");
  }
}

TEST_F(StreamReceiverTest, TakesAConnectionPartAndItsPayloadThatAreCutAnywhere) {
  const std::string message = tls_part() + R"({"prompt":"a"})";
  for (std::size_t cut = 1; cut < message.size(); ++cut) {
    connect();
    arrive_with_client(message.substr(0, cut));
    arrive(message.substr(cut), {});
    ASSERT_EQ(reply(), "A") << cut;
    EXPECT_EQ(prompts.back(), "a");
    EXPECT_TRUE(clients.back().tls);
  }
  connect();
  arrive_with_client(message.substr(0, 1));
  for (const char byte : message.substr(1)) arrive(std::string(1, byte), {});
  EXPECT_EQ(reply(), "A");
}

TEST_F(StreamReceiverTest, WaitsForTheEndOfTheConnectionPartThoughTheMemfdIsThere) {
  auto [client, browser] = socket_pair();
  std::vector<UniqueFd> descriptors;
  descriptors.push_back(std::move(client));
  descriptors.push_back(payload_memfd(R"({"prompt":"from a memfd"})"));
  connect();
  arrive(tls_part().substr(0, 50), std::move(descriptors));
  arrive(tls_part().substr(50), {});
  EXPECT_TRUE(prompts.empty());
  arrive(std::string(1, '\0'), {});
  EXPECT_EQ(prompts, std::vector<std::string>{"from a memfd"});
}

TEST_F(StreamReceiverTest, RefusesAStrangerWithinItsConnectionPartAndAnswersNobodyInPlainText) {
  receiver.set_limits({kReceiveTimeout, 1 << 20, {33}, {}});
  sender = ucred{1, 1000, 33};
  connect();
  arrive_with_client(tls_part().substr(0, 20));
  EXPECT_EQ(reply(), R"(R{"status":403,"connection":1})");
  EXPECT_TRUE(receiver.idle());
  EXPECT_TRUE(answered.empty());
}

TEST_F(StreamReceiverTest, TakesTheEndOfFileForTheEndOfTheMessage) {
  connect();
  arrive_with_client(" \n");
  arrive("{}", {});
  EXPECT_EQ(reply(), "A") << "a blank begins no message that is whole";
  connect();
  arrive_with_client("{\"prompt\":");
  arrive("", {});
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":1})");
}

TEST_F(StreamReceiverTest, TakesWhatIsNoObjectAsItComes) {
  for (const std::string& payload : {std::string(1, '\0'), std::string("\"text\""), std::string("}")}) {
    connect();
    arrive_with_client(payload);
    EXPECT_EQ(reply(), payload.front() == '\0' ? "A" : R"(R{"status":400,"connection":1})") << payload;
    if (payload.front() != '\0') ring.complete(Operation::kHandoffVerdict, POLLHUP | POLLRDHUP);
  }
}

TEST_F(StreamReceiverTest, RefusesAMessageThatIsTooLargeBeforeItsEnd) {
  receiver.set_limits({kReceiveTimeout, 20, {}, {}});
  connect();
  arrive_with_client("{\"prompt\":");
  arrive("\"0123456789", {});
  EXPECT_EQ(reply(), R"(R{"status":413,"connection":1})");
}

TEST_F(StreamReceiverTest, RefusesAStrangerBeforeTheEndOfItsMessage) {
  receiver.set_limits({kReceiveTimeout, 1 << 20, {33}, {}});
  sender = ucred{1, 1000, 33};
  connect();
  arrive_with_client("{");
  EXPECT_EQ(reply(), R"(R{"status":403,"connection":1})");
}

TEST_F(StreamReceiverTest, RefusesADescriptorThatComesLater) {
  connect();
  arrive_with_client("{");
  auto [later, its_end] = socket_pair();
  std::vector<UniqueFd> descriptors;
  descriptors.push_back(std::move(later));
  arrive("}", std::move(descriptors));
  EXPECT_EQ(read_some(its_end.get()), "") << "it is closed";
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":1})");
  ring.complete(Operation::kHandoffVerdict, POLLERR | POLLHUP);
  EXPECT_EQ(answered, std::vector<int>{400});
}

TEST_F(StreamReceiverTest, RefusesAMessageWhoseRestDoesNotComeInTime) {
  connect();
  pass(kReceiveTimeout / 2);
  arrive_with_client("{");
  pass(kReceiveTimeout / 2);
  ring.complete_cancelled();
  pass(Duration(0));
  ring.complete(Operation::kHandoffReceive, -EAGAIN);
  EXPECT_EQ(reply(), R"(R{"status":400,"connection":1})") << "its time runs from its connection";
}

TEST_F(StreamReceiverTest, CountsAPeerWithAPartOfItsMessageAmongTheSilent) {
  for (std::uint32_t i = 0; i < kMaxSilentConnections; ++i) connect();
  arrive_with_client("{");
  const Tag first = ring.pending.back().tag;
  pass(kSilentAfter);
  EXPECT_TRUE(ring.cancelled.empty());
  for (std::uint32_t i = 0; i < kMaxSilentConnections; ++i) connect();
  pass(kSilentAfter);
  EXPECT_NE(std::find(ring.cancelled.begin(), ring.cancelled.end(), first), ring.cancelled.end());
}

TEST_F(StreamReceiverTest, RefusesTheMessageThatHasGrownLastWhenAllIncompleteOnesHoldTooMuch) {
  const std::string part = "{\"prompt\":\"" + std::string(handoff_protocol::kMaxInlinePayloadBytes - 13, 'x');
  constexpr auto kFit = kMaxPartialMessageBytes / handoff_protocol::kMaxInlinePayloadBytes;
  for (std::size_t i = 0; i <= kFit; ++i) connect();
  for (std::size_t i = 0; i < kFit; ++i) arrive_with_client(part);
  EXPECT_EQ(ring.count(Operation::kHandoffReply), 0);
  arrive_with_client(part);
  EXPECT_EQ(reply(), R"(R{"status":503,"retry_after":1,"connection":1})");
  ring.complete(Operation::kHandoffVerdict, POLLHUP | POLLRDHUP);
  arrive("\"}", {});
  EXPECT_EQ(reply(), "A");
  receiver.stop();
  ring.complete_cancelled();
  while (ring.count(Operation::kHandoffReply) > 0) reply();
  while (ring.count(Operation::kHandoffUnread) > 0) ring.complete(Operation::kHandoffUnread, 768);
  EXPECT_TRUE(receiver.idle());
}

}  // namespace
}  // namespace streaming
