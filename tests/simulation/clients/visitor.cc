// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/visitor.h"

#include <utility>

namespace streaming::simulation {
namespace {

// No daemon waits that long for a client that has its answer.
constexpr Duration kForEver{200'000};

// No answer takes that long.
constexpr Duration kMostPatience{900'000};

}  // namespace

Visitor::Habits Visitor::Habits::draw(Random& random) {
  Habits habits;
  habits.closes_at_answer_end = random.one_in(2);
  if (random.one_in(3)) return habits;
  habits.reading =
      random.pick({Reading::kAtOnce, Reading::kAtOnce, Reading::kSlowly, Reading::kSlowly, Reading::kWithOnePause});
  if (random.one_in(40)) habits.reading = Reading::kNoMore;
  habits.pause = Duration(habits.reading == Reading::kSlowly ? random.between(1, 300) : random.between(1, 60'000));
  habits.leaving = random.pick({Leaving::kAtTheEnd, Leaving::kAtTheEnd, Leaving::kAtTheEnd, Leaving::kNever,
                                Leaving::kHalf, Leaving::kCloses, Leaving::kResets, Leaving::kByProtocol});
  if (random.one_in(3)) {
    habits.leaves_after = Duration(random.between(1, 3'000));
  } else {
    habits.leaves_after_bytes = random.one_in(4) ? random.below(3) : random.below(2'500);
  }
  if (random.one_in(3)) habits.chats = static_cast<int>(random.between(1, 6));
  habits.misbehaves = random.one_in(16);
  return habits;
}

Visitor::Visitor(ClientWire::Kind kind, const Habits& habits, Random random, Schedule& schedule)
    : random_(random), schedule_(schedule), habits_(habits), wire_(kind, random_) {
}

void Visitor::later(Duration delay, void (Visitor::*work)()) {
  schedule_.after(delay, [this, work] {
    if (connection_ != nullptr) (this->*work)();
  });
}

void Visitor::send(const std::string& bytes) {
  if (connection_ != nullptr && !has_shut_down_ && !bytes.empty()) connection_->send(bytes);
}

void Visitor::on_open(Connection& connection) {
  connection_ = &connection;
  was_open_ = true;
  later(kMostPatience, &Visitor::give_up);
  send(wire_.unreceived());
  if (habits_.chats > 0 || habits_.misbehaves) later(Duration(random_.below(1'000)), &Visitor::chat);
  if (wire_.is_http2()) later(Duration(random_.between(1, 2'000)), &Visitor::open_windows);
  const bool may_leave = habits_.leaving != Leaving::kAtTheEnd && habits_.leaving != Leaving::kNever;
  if (!may_leave) return;
  if (habits_.leaves_after > Duration(0)) return later(habits_.leaves_after, &Visitor::leave);
  leave_when_due();
}

void Visitor::on_bytes(std::string_view bytes) {
  received_ += bytes.size();
  send(wire_.receive(bytes));
  if (connection_ == nullptr) return;
  leave_when_due();
  if (connection_ == nullptr) return;
  if (habits_.closes_at_answer_end && !has_shut_down_ && habits_.leaving != Leaving::kNever && wire_.has_ended()) {
    return close_at_the_end();
  }
  pause_or_go_on();
}

void Visitor::on_end_of_file() {
  has_end_of_file_ = true;
  if (habits_.leaving == Leaving::kNever) return later(kForEver, &Visitor::close_at_the_end);
  close_at_the_end();
}

void Visitor::on_closed(bool reset) {
  was_reset_ = reset;
  mishaps_ = connection_->mishaps();
  connection_ = nullptr;
}

// --- Habits ---------------------------------------------------------------------------------------------------------

void Visitor::pause_or_go_on() {
  if (habits_.reading == Reading::kAtOnce || has_paused_ || connection_ == nullptr) return;
  if (habits_.reading != Reading::kSlowly && random_.below(4) != 0) return;
  has_paused_ = true;
  connection_->set_reading(false);
  habits_.reading == Reading::kNoMore ? later(kForEver, &Visitor::close_at_the_end)
                                      : later(habits_.pause, &Visitor::go_on);
}

void Visitor::go_on() {
  if (habits_.reading == Reading::kSlowly) has_paused_ = false;
  connection_->set_reading(true);
}

void Visitor::chat() {
  if (habits_.misbehaves && (chats_ >= habits_.chats || random_.one_in(3))) {
    return send(wire_.misbehave(random_));
  }
  if (chats_++ >= habits_.chats) return;
  send(wire_.chat(random_));
  if (connection_ != nullptr) later(Duration(random_.below(1'000)), &Visitor::chat);
}

void Visitor::open_windows() {
  send(wire_.open_windows());
}

void Visitor::leave_when_due() {
  const bool may_leave = habits_.leaving != Leaving::kAtTheEnd && habits_.leaving != Leaving::kNever;
  if (may_leave && received_ >= habits_.leaves_after_bytes && !has_left_early_) leave();
}

void Visitor::leave() {
  has_left_early_ = true;
  switch (habits_.leaving) {
    case Leaving::kHalf:
      has_shut_down_ = true;
      return connection_->shutdown_write();
    case Leaving::kResets:
      return connection_->reset();
    case Leaving::kByProtocol:
      send(wire_.leave(random_));
      if (connection_ != nullptr && random_.one_in(2)) return;  // the daemon closes, or the answer ends
      break;
    default:
      break;
  }
  if (connection_ != nullptr) connection_->close();
}

void Visitor::give_up() {
  has_given_up_ = true;
  connection_->reset();
}

void Visitor::close_at_the_end() {
  if (connection_ != nullptr) connection_->close();
}

}  // namespace streaming::simulation
