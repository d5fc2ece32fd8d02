// SPDX-License-Identifier: Apache-2.0
// Handoff: one hand-off as Apache sends it, or as nobody should: what goes over the Unix socket, and what becomes of
// the daemon's answer. HandoffScript: what it does, drawn before.
//
// Outlives its connection, and all that it has asked the Schedule for.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/handoff_peer.h"
#include "simulation/random.h"

namespace streaming::simulation {

struct HandoffScript {
  struct Message {
    std::string bytes;
    std::vector<HandedFile> files;
    std::size_t parts = 1;  // SOCK_STREAM
    Duration delay{0};      // before it
  };
  enum class Patience : std::uint8_t {
    kWaits,         // for the answer
    kShutsDown,     // shuts its sending side down, and waits
    kClosesAtOnce,  // as a module that needs no answer does
    kClosesSoon,    // perhaps with the answer unread
    kReadsNever,    // but stays
    kReadsLate,
  };

  std::vector<Message> messages;  // the second one when the first was accepted: a reservation. None: a silent peer
  Message client_by_relay;        // in place of the second one, if the place is for such a client alone
  bool leaves_place = false;      // the first one was accepted, and Apache's child ends before the second one
  Patience patience = Patience::kWaits;
  Duration pause{0};  // of kClosesSoon and kReadsLate; of a silent peer, until it closes
};

class Handoff final : public HandoffPeer {
 public:
  enum class Verdict : std::uint8_t { kNone, kAccepted, kRefused };

  Handoff(HandoffScript script, Schedule& schedule) : schedule_(schedule), script_(std::move(script)) {}

  void on_open(HandoffConnection& connection) override;
  void on_refused() override { is_over_ = true; }
  void on_message(std::string_view message) override;
  void on_file_lost() override { client_was_lost_ = true; }
  void on_end_of_file(bool was_read) override;
  void on_closed() override;

  // About the client.
  Verdict verdict() const { return verdict_; }
  int refused_with() const { return status_; }  // as the refusal has it
  bool has_sent_client() const { return sent_ > 0 && sent_ == script_.messages.size(); }
  // Waits for no answer: its client is the daemon's, whatever it does.
  bool has_left_client_behind() const { return has_left_at_once_ && has_sent_client() && !client_was_lost_; }
  bool was_relayed() const { return was_relayed_; }
  bool was_left_unread() const { return was_left_unread_; }
  bool was_closed_by_daemon() const { return was_closed_by_daemon_; }
  bool is_over() const { return is_over_; }
  Mishaps mishaps() const { return connection_ == nullptr ? mishaps_ : connection_->mishaps(); }
  // What no Apache should have to read; empty: nothing.
  const std::string& problem() const { return problem_; }

 private:
  void later(Duration delay, void (Handoff::*work)());
  void begin_message();
  void send_message();
  void send_part();
  void wait_or_not();
  void read_late();
  void leave();
  void take_place(std::string_view message);
  void read_refusal(std::string_view message);

  Schedule& schedule_;
  HandoffScript script_;
  HandoffConnection* connection_ = nullptr;
  Mishaps mishaps_;
  std::size_t sent_ = 0;  // messages
  std::string rest_;      // of the message, that is sent in parts
  std::size_t part_bytes_ = 0;
  int status_ = 0;
  Verdict verdict_ = Verdict::kNone;
  bool is_decided_ = false;
  bool has_left_at_once_ = false;
  bool client_was_lost_ = false;
  bool was_relayed_ = false;
  bool was_left_unread_ = false;
  bool was_closed_by_daemon_ = false;
  bool is_over_ = false;
  std::string problem_;
};

}  // namespace streaming::simulation
