// SPDX-License-Identifier: Apache-2.0
// Visitor: a client that waits for an answer, with its habits: how it reads, what it sends meanwhile, and how it
// leaves.
//
// Outlives its connection, and all that it has asked the Schedule for.

#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "simulation/clients/client_wire.h"
#include "simulation/peer.h"
#include "simulation/random.h"

namespace streaming::simulation {

class Visitor final : public Peer {
 public:
  enum class Reading : std::uint8_t {
    kAtOnce,
    kSlowly,        // a pause behind each piece
    kWithOnePause,  // which may be longer than the daemon waits
    kNoMore,        // stops for good
  };
  enum class Leaving : std::uint8_t {
    kAtTheEnd,  // when the daemon has closed its side, or the answer's own end has come
    kNever,     // the daemon has to
    kHalf,      // shuts its sending side down within the answer
    kCloses,
    kResets,
    kByProtocol,  // close_notify, RST_STREAM or GOAWAY, and then closes
  };
  struct Habits {
    static Habits draw(Random& random);

    Reading reading = Reading::kAtOnce;
    Leaving leaving = Leaving::kAtTheEnd;
    std::size_t leaves_after_bytes = std::numeric_limits<std::size_t>::max();
    Duration leaves_after{0};  // 0: the bytes decide
    Duration pause{0};
    int chats = 0;  // how often it sends something
    bool misbehaves = false;
    bool closes_at_answer_end = false;  // does not wait for the connection's
  };

  Visitor(ClientWire::Kind kind, const Habits& habits, Random random, Schedule& schedule);

  void on_open(Connection& connection) override;
  void on_bytes(std::string_view bytes) override;
  void on_end_of_file() override;
  void on_closed(bool reset) override;

  ClientWire& wire() { return wire_; }
  const ClientWire& wire() const { return wire_; }
  const Habits& habits() const { return habits_; }
  bool was_handed_over() const { return was_open_; }
  std::size_t received_bytes() const { return received_; }
  // Of its connection, which is over or not.
  Mishaps mishaps() const { return connection_ == nullptr ? mishaps_ : connection_->mishaps(); }
  // It has not waited for the end, or not read in time.
  bool has_left_early() const { return has_left_early_; }
  bool may_be_given_up() const {
    // Over HTTP/2 a pause behind each small piece keeps back the window's next part for longer than the shortest timeout.
    const bool keeps_window_back = habits_.reading == Reading::kSlowly && wire_.is_http2();
    return habits_.reading == Reading::kWithOnePause || habits_.reading == Reading::kNoMore || keeps_window_back ||
           wire_.begins_with_small_window();
  }
  // Nothing has ended its connection for longer than any answer takes.
  bool has_given_up() const { return has_given_up_; }
  bool has_end_of_file() const { return has_end_of_file_; }
  bool was_reset() const { return was_reset_; }
  bool is_closed() const { return was_open_ && connection_ == nullptr; }

 private:
  void later(Duration delay, void (Visitor::*work)());
  void send(const std::string& bytes);
  void chat();
  void open_windows();
  void pause_or_go_on();
  void go_on();
  void leave();
  void leave_when_due();
  void give_up();
  void close_at_the_end();

  Random random_;
  Schedule& schedule_;
  const Habits habits_;
  ClientWire wire_;
  Connection* connection_ = nullptr;
  Mishaps mishaps_;
  std::size_t received_ = 0;
  int chats_ = 0;
  bool was_open_ = false;
  bool has_paused_ = false;
  bool has_shut_down_ = false;
  bool has_left_early_ = false;
  bool has_given_up_ = false;
  bool has_end_of_file_ = false;
  bool was_reset_ = false;
};

}  // namespace streaming::simulation
