// SPDX-License-Identifier: Apache-2.0
// TimerWheel: when a worker does what is not done at once: its timers, and the work that a turn puts off.
//
// A turn hands out its completions, then calls expire(), then end_turn(). The timers have a millisecond a tick, and any
// number of them costs a constant time each.
//
// Three levels of 1,024 slots: level n holds what expires within 1,024^(n+1) ticks and is spread over the level below
// when its slot comes up. A timer of less than a second, as between two events of an answer, is moved by no level. A bit
// a slot shows where timers are, so that the worker knows how long it may sleep, and an idle one sleeps for ever. What is
// later than the levels reach, twelve days, passes the highest one again. One thread.
//
// Its time is the worker's: it stands still while the worker gets no CPU, or is long at one thing. So no limit on how
// long a peer may be silent counts a silence that was ours.

#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "base/intrusive_list.h"
#include "ring/work.h"

namespace streaming {

class Timer;

class TimerOwner {
 public:
  // `timer` has expired and is idle again; it may be scheduled anew or destroyed.
  virtual void on_timer(Timer& timer) = 0;

 protected:
  ~TimerOwner() = default;
};

// A member of its owner; stops itself when it is destroyed.
class Timer : private ListNode {
 public:
  explicit Timer(TimerOwner& owner) : owner_(owner) {}

  bool pending() const { return linked(); }
  Time expiry() const { return expiry_; }  // the last one asked for
  void stop() { unlink(); }

 private:
  friend class TimerWheel;
  template <typename T>
  friend class IntrusiveList;

  TimerOwner& owner_;
  Time expiry_{};
};

static_assert(sizeof(Timer) == 32);

class TimerWheel {
 public:
  explicit TimerWheel(Time now) : now_(now), expired_to_(now) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // The worker's time at the beginning of its turn.
  Time now() const { return now_; }
  void set_now(Time now) {
    if (now > now_) now_ = now;
  }

  // The monotonic clock at the beginning of the turn: for what is measured, not waited for.
  Time clock() const { return now_ + stood_still_; }
  // How far the worker's time is behind it.
  Duration stood_still() const { return stood_still_; }

  // Sets now() by the clock. True where the turn comes kLateTurn later than it was due: the rest of that does not
  // count, and what has completed meanwhile is to be handed out before expire().
  bool begin_turn(Time clock);

  // Starts `timer`, or moves it. An expiry in the past fires at the next expire().
  void schedule_at(Timer& timer, Time expiry);
  void schedule(Timer& timer, Duration delay) { schedule_at(timer, now_ + delay); }

  // Does `work` when the present call has returned to the loop: in this turn's expire() if it has not begun, else in
  // the next turn, before which the worker does not wait.
  void soon(Work& work) { soon_.add(work); }

  // Does `work` in this turn's end_turn(), after all else that the turn brings: for output that the turn gathers.
  void at_turn_end(Work& work) { at_turn_end_.add(work); }

  // Does the work of soon(), then fires what is due at now(), up to kTimersATurn. More, and what is asked for meanwhile by
  // soon(), or by a timer for now() or before, waits for the next call: so turns end, and sockets get their share.
  void expire();

  // Does the work of at_turn_end(), and what that asks for by the same call.
  void end_turn() { at_turn_end_.do_all(); }

  // When expire() must be called next, at the latest; nothing while neither a timer nor work is pending. May be early
  // by the width of a slot, never late.
  std::optional<Time> next_expiry();

 private:
  static constexpr int kLevels = 3;
  static constexpr int kSlotBits = 10;
  static constexpr std::uint64_t kSlots = 1u << kSlotBits;
  static constexpr std::uint64_t kWordBits = 64;

  struct Level {
    // How many slots the next one with timers is behind `slot`; none of the level has any if that is kSlots.
    std::uint64_t distance_from(std::uint64_t slot);

    std::array<IntrusiveList<Timer>, kSlots> slots;
    // A bit for each slot with timers, and for some whose timers were all stopped.
    std::array<std::uint64_t, kSlots / kWordBits> occupied{};
  };

  static std::uint64_t slot_of(std::uint64_t tick, int level) { return tick >> (level * kSlotBits) & (kSlots - 1); }

  void place(Timer& timer);
  void cascade(std::uint64_t tick);
  IntrusiveList<Timer>& take_slot(int level, std::uint64_t slot);
  std::optional<Time> next_in_levels();

  Time now_;
  Duration stood_still_{0};
  Time expired_to_;           // no timer in the levels expires here or before
  IntrusiveList<Timer> due_;  // were scheduled for the present or the past
  WorkList soon_;
  WorkList at_turn_end_;
  std::array<Level, kLevels> levels_;
};

}  // namespace streaming
