// SPDX-License-Identifier: Apache-2.0
#include "ring/work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ring/timer_wheel.h"

namespace streaming {
namespace {

using testing::ElementsAre;

constexpr Time kBegin = Time(Duration(1'234'567));

class TurnTest : public testing::Test {
 protected:
  // Notes its name when it is done, then does what the test wants.
  struct Task final : WorkOwner, TimerOwner {
    Task(TurnTest& new_test, std::string new_name) : test(new_test), name(std::move(new_name)) {}
    void on_work(Work&) override { note(); }
    void on_timer(Timer&) override { note(); }
    void note() {
      test.done.push_back(name);
      const std::function<void()> call = then;  // it may destroy this
      call();
    }

    TurnTest& test;
    std::string name;
    std::function<void()> then = [] {};
    Work work{*this};
    Timer timer{*this};
  };

  void turn() {
    done.clear();
    turns.expire();
    turns.end_turn();
  }

  TimerWheel turns{kBegin};
  std::vector<std::string> done;  // in the last turn
  Task first{*this, "first"}, second{*this, "second"}, third{*this, "third"};
};

TEST_F(TurnTest, DoesWorkOfSoonThenTimersThenWorkOfTheTurnsEnd) {
  turns.at_turn_end(first.work);
  turns.schedule(second.timer, Duration(0));
  turns.soon(third.work);
  turn();
  EXPECT_THAT(done, ElementsAre("third", "second", "first"));
  turn();
  EXPECT_THAT(done, ElementsAre()) << "once";
}

TEST_F(TurnTest, DoesWorkInTheOrderInWhichItWasFirstAskedFor) {
  for (Task* task : {&second, &first, &second}) turns.soon(task->work);
  turns.at_turn_end(third.work);
  turn();
  EXPECT_THAT(done, ElementsAre("second", "first", "third"));
}

TEST_F(TurnTest, LeavesWorkThatIsAskedForByWorkOfSoonToTheNextTurn) {
  first.then = [this] {
    turns.soon(first.work);
    turns.soon(second.work);
  };
  turns.soon(first.work);
  turn();
  EXPECT_THAT(done, ElementsAre("first"));
  turn();
  EXPECT_THAT(done, ElementsAre("first", "second"));
}

TEST_F(TurnTest, LeavesWorkThatATimerAsksForBySoonToTheNextTurn) {
  first.then = [this] { turns.soon(second.work); };
  turns.schedule(first.timer, Duration(0));
  turn();
  EXPECT_THAT(done, ElementsAre("first"));
  turn();
  EXPECT_THAT(done, ElementsAre("second"));
}

TEST_F(TurnTest, DoesWorkThatIsAskedForAtTheTurnsEndAtTheSameEnd) {
  first.then = [this] { turns.at_turn_end(third.work); };
  turns.at_turn_end(first.work);
  turns.at_turn_end(second.work);
  turn();
  EXPECT_THAT(done, ElementsAre("first", "second", "third"));
}

TEST_F(TurnTest, DoesOutputOfSoonAndOfTimersAtTheEndOfTheSameTurn) {
  first.then = [this] { turns.at_turn_end(third.work); };
  second.then = [this] { turns.at_turn_end(third.work); };
  turns.soon(first.work);
  turns.schedule(second.timer, Duration(0));
  turn();
  EXPECT_THAT(done, ElementsAre("first", "second", "third"));
}

TEST_F(TurnTest, DoesNotWaitWhileWorkIsPending) {
  EXPECT_EQ(turns.next_expiry(), std::nullopt);
  turns.soon(first.work);
  EXPECT_EQ(turns.next_expiry(), kBegin);
  turn();
  EXPECT_EQ(turns.next_expiry(), std::nullopt);
  turns.at_turn_end(first.work);
  EXPECT_EQ(turns.next_expiry(), kBegin);
  turn();
  EXPECT_EQ(turns.next_expiry(), std::nullopt);
}

TEST_F(TurnTest, ForgetsWorkThatIsWithdrawnOrDestroyed) {
  auto gone = std::make_unique<Task>(*this, "gone");
  turns.soon(gone->work);
  turns.soon(first.work);
  gone.reset();
  first.work.withdraw();
  turn();
  EXPECT_THAT(done, ElementsAre());
}

TEST_F(TurnTest, AllowsWorkToDestroyOthersAndItsOwner) {
  std::vector<std::unique_ptr<Task>> tasks;
  for (const char* name : {"one", "two", "three"}) tasks.push_back(std::make_unique<Task>(*this, name));
  tasks[0]->then = [&tasks] {
    tasks[1].reset();
    tasks[0].reset();
  };
  for (const auto& task : tasks) turns.soon(task->work);
  turn();
  EXPECT_THAT(done, ElementsAre("one", "three"));
  tasks[2]->then = [&tasks] { tasks[2].reset(); };
  turns.at_turn_end(tasks[2]->work);
  turn();
  EXPECT_THAT(done, ElementsAre("three"));
}

}  // namespace
}  // namespace streaming
