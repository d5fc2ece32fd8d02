// SPDX-License-Identifier: Apache-2.0
#include "ring/timer_wheel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <vector>

#include "ring/limits.h"

namespace streaming {
namespace {

constexpr Time kStart = Time(Duration(1'234'567));

// Calls a function when its timer expires.
struct Alarm final : TimerOwner {
  explicit Alarm(std::function<void()> function) : fire(std::move(function)) {}
  void on_timer(Timer&) override { fire(); }

  std::function<void()> fire;
  Timer timer{*this};
};

class TimerWheelTest : public testing::Test {
 protected:
  // As a worker does that sleeps no longer than the wheel lets it.
  void sleep_until(Time clock) {
    for (std::optional<Time> next; (next = wheel.next_expiry()) && *next + wheel.stood_still() < clock;) {
      EXPECT_FALSE(wheel.begin_turn(*next + wheel.stood_still()));
      wheel.expire();
    }
    EXPECT_FALSE(wheel.begin_turn(clock));
    wheel.expire();
  }
  void advance_to(Time now) {
    wheel.set_now(now);
    wheel.expire();
  }

  TimerWheel wheel{kStart};
  int fired = 0;
  Alarm alarm{[this] { ++fired; }};
};

TEST_F(TimerWheelTest, FiresAtItsTimeAndNotBefore) {
  wheel.schedule(alarm.timer, Duration(10));
  advance_to(kStart + Duration(9));
  EXPECT_EQ(fired, 0);
  advance_to(kStart + Duration(10));
  EXPECT_EQ(fired, 1);
  EXPECT_FALSE(alarm.timer.pending());
  advance_to(kStart + Duration(1000));
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, FiresWithoutDelayInTheSameTurn) {
  wheel.schedule(alarm.timer, Duration(0));
  EXPECT_EQ(wheel.next_expiry(), kStart);
  wheel.expire();
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, LetsATimerThatIsAlwaysDueFireOnceATurn) {
  alarm.fire = [this] {
    ++fired;
    wheel.schedule(alarm.timer, Duration(0));
  };
  wheel.schedule(alarm.timer, Duration(0));
  wheel.expire();
  EXPECT_EQ(fired, 1);
  wheel.expire();
  EXPECT_EQ(fired, 2);
}

TEST_F(TimerWheelTest, FiresManyThatAreDueInSeveralTurnsTheEarliestFirst) {
  constexpr std::uint32_t kMany = 2 * kTimersATurn + 10;
  std::vector<std::uint32_t> order;
  std::vector<std::unique_ptr<Alarm>> alarms;
  for (std::uint32_t number = 0; number < kMany; ++number) {
    alarms.push_back(std::make_unique<Alarm>([&order, number] { order.push_back(number); }));
    wheel.schedule(alarms.back()->timer, Duration(1 + number / 100));
  }
  advance_to(kStart + Duration(100));
  EXPECT_EQ(order.size(), kTimersATurn);
  EXPECT_EQ(wheel.next_expiry(), wheel.now()) << "the worker does not wait";
  wheel.schedule(alarm.timer, Duration(0));
  wheel.expire();
  wheel.expire();
  EXPECT_EQ(order.size(), kMany);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, AsksForNoWakeUpWhenNothingIsPending) {
  EXPECT_EQ(wheel.next_expiry(), std::nullopt);
  wheel.schedule(alarm.timer, Duration(500));
  EXPECT_NE(wheel.next_expiry(), std::nullopt);
  alarm.timer.stop();
  EXPECT_EQ(wheel.next_expiry(), std::nullopt);
}

TEST_F(TimerWheelTest, MovesATimerThatIsScheduledAgain) {
  wheel.schedule(alarm.timer, Duration(10));
  wheel.schedule(alarm.timer, Duration(5000));
  advance_to(kStart + Duration(100));
  EXPECT_EQ(fired, 0);
  advance_to(kStart + Duration(5000));
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, AllowsATimerToStopAnotherThatIsDueToo) {
  Alarm other([this] { alarm.timer.stop(); });
  wheel.schedule(other.timer, Duration(5));
  wheel.schedule(alarm.timer, Duration(5));
  advance_to(kStart + Duration(5));
  EXPECT_EQ(fired, 0);
}

TEST_F(TimerWheelTest, ForgetsATimerThatIsDestroyed) {
  {
    Alarm gone([] { ADD_FAILURE() << "fired after its end"; });
    wheel.schedule(gone.timer, Duration(5));
  }
  advance_to(kStart + Duration(10));
}

TEST_F(TimerWheelTest, GivesBackWhatAStopOfTheWorkerHasTakenFromEachTimer) {
  constexpr Duration kStop{60'000};
  int soon = 0;
  Alarm first([&soon] { ++soon; });
  wheel.schedule(first.timer, Duration(1000));
  wheel.schedule(alarm.timer, Duration(5000));
  sleep_until(kStart + Duration(999));
  EXPECT_TRUE(wheel.begin_turn(kStart + Duration(1000) + kLateTurn + kStop));
  EXPECT_EQ(wheel.clock(), kStart + Duration(1000) + kLateTurn + kStop);
  EXPECT_EQ(wheel.now(), kStart + Duration(1000) + kLateTurn);
  wheel.expire();
  EXPECT_EQ(soon, 1) << "it was due, and fires when the turn has looked at what has come";
  sleep_until(kStart + Duration(4999) + kStop);
  EXPECT_EQ(fired, 0);
  sleep_until(kStart + Duration(5000) + kStop);
  EXPECT_EQ(fired, 1);
}

TEST_F(TimerWheelTest, CountsASleepInWhichNothingWasDue) {
  wheel.schedule(alarm.timer, Duration(60'000));
  sleep_until(kStart + Duration(50'000));
  EXPECT_EQ(wheel.now(), kStart + Duration(50'000));
  EXPECT_EQ(wheel.stood_still(), Duration(0));
}

TEST_F(TimerWheelTest, KeepsATimerBeyondItsReach) {
  const Duration far = std::chrono::hours(30);
  wheel.schedule(alarm.timer, far);
  Time now = kStart;
  while (now < kStart + far - Duration(1)) {
    now = std::min(*wheel.next_expiry(), kStart + far - Duration(1));
    advance_to(now);
    ASSERT_EQ(fired, 0);
  }
  advance_to(kStart + far);
  EXPECT_EQ(fired, 1);
}

// Against the obvious: each timer fires in the first turn whose time has reached it, and the wheel never lets the
// worker sleep past one.
TEST_F(TimerWheelTest, AgreesWithASortedListUnderRandomUse) {
  std::mt19937 random(20260101);
  struct Entry {
    std::unique_ptr<Alarm> alarm;
    Time expected{};
  };
  std::vector<Entry> entries(200);
  Time now = kStart;
  int checked = 0;
  for (Entry& entry : entries) {
    entry.alarm = std::make_unique<Alarm>([&entry, &now, &checked] {
      EXPECT_LE(entry.expected, now);
      entry.expected = Time{};
      ++checked;
    });
  }
  const auto random_delay = [&random] {
    return Duration(std::uniform_int_distribution<std::int64_t>(
        0, std::int64_t{1} << std::uniform_int_distribution<int>(0, 25)(random))(random));
  };
  for (int step = 0; step < 20'000; ++step) {
    Entry& entry = entries[random() % entries.size()];
    if (random() % 4 == 0) {
      entry.alarm->timer.stop();
      entry.expected = Time{};
    } else {
      entry.expected = now + random_delay();
      wheel.schedule_at(entry.alarm->timer, entry.expected);
    }
    const std::optional<Time> next = wheel.next_expiry();
    for (const Entry& other : entries) {
      if (other.expected == Time{}) continue;
      ASSERT_LE(*next, std::max(other.expected, now));
    }
    now += random() % 3 == 0 ? random_delay() / 8 : Duration(random() % 3);
    advance_to(now);
    for (const Entry& other : entries) ASSERT_TRUE(other.expected == Time{} || other.expected > now);
  }
  EXPECT_GT(checked, 1000);
}

}  // namespace
}  // namespace streaming
