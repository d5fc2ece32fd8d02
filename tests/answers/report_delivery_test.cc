// SPDX-License-Identifier: Apache-2.0
#include "answers/report_delivery.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "answers/fake_hooks.h"
#include "base/log.h"
#include "support/fake_ring.h"

namespace streaming {
namespace {

class ReportDeliveryTest : public testing::Test {
 protected:
  ReportDeliveryTest() {
    log::set_level(log::Level::kOff);
    set_hooks({"chat", "slow"});
  }

  void set_hooks(const std::set<std::string>& names) {
    Config config;
    config.hook_secret = kHookSecret;
    for (const std::string& name : names) config.hooks[name] = {{"url", "http://" + name + "/"}};
    delivery.set_hooks(std::move(make_hooks(config).value()));
  }
  // `number` makes the report's id.
  static ReportId id_of(int number) {
    ReportId id{};
    std::memcpy(id.data(), &number, sizeof number);
    return id;
  }
  void add(int number = 1, const std::string& hook = "chat", const std::string& body = "{}") {
    delivery.add({.id = id_of(number), .hook = hook, .body = body});
    turn();
  }
  void turn() { pass(Duration(0)); }
  void pass(Duration time) {
    timers.set_now(timers.now() + time);
    timers.expire();
    timers.expire();  // what timers have asked for
    timers.end_turn();
  }
  // Long pauses, in which the wheel passes its levels several times.
  void pass_in_steps(Duration time) {
    for (const Time end = timers.now() + time; timers.now() < end;) {
      const std::optional<Time> next = timers.next_expiry();
      pass(next && *next < end ? std::max(*next - timers.now(), Duration(0)) : end - timers.now());
    }
  }
  std::uint64_t count(Counter counter) const { return counters.get(counter); }

  TimerWheel timers{Time(Duration(1000))};
  FakeHooks http;
  Counters counters;
  ReportDelivery delivery{timers, http, counters, nullptr};
};

TEST_F(ReportDeliveryTest, PostsASignedReport) {
  add(1, "chat", "{\"text\":\"hi\"}");
  ASSERT_EQ(http.waiting(), 1u);
  const FakeHooks::Post& post = http.front();
  EXPECT_EQ(post.request.url, "http://chat/");
  EXPECT_EQ(post.request.body, "{\"text\":\"hi\"}");
  EXPECT_EQ(post.header("Content-Type"), "application/json");
  EXPECT_EQ(post.header("webhook-id"), webhook_id(id_of(1)));
  EXPECT_EQ(post.header("webhook-signature"),
            SigningKeys::parse(kHookSecret).value().sign(webhook_id(id_of(1)), post.header("webhook-timestamp"), post.request.body));
  EXPECT_FALSE(delivery.idle());
  http.answer(204);
  turn();
  EXPECT_TRUE(delivery.idle());
  EXPECT_EQ(delivery.waiting(), 0u);
  EXPECT_EQ(count(Counter::kReportsDelivered), 1u);
}

TEST_F(ReportDeliveryTest, SendsAReportAgainAfterEachPauseAndThenGivesItUp) {
  add(1);
  for (const Duration pause : kReportPauses) {
    EXPECT_EQ(http.front().header("webhook-id"), webhook_id(id_of(1))) << "a receiver knows a report by it";
    http.answer(500);
    pass_in_steps(pause - Duration(1));
    EXPECT_EQ(http.waiting(), 0u);
    EXPECT_TRUE(delivery.idle()) << "the daemon may end";
    pass_in_steps(Duration(1));
    ASSERT_EQ(http.waiting(), 1u) << pause.count();
  }
  http.fail("cannot connect");
  turn();
  EXPECT_EQ(count(Counter::kReportFailures), kReportPauses.size() + 1);
  EXPECT_EQ(count(Counter::kReportsLost), 1u);
  EXPECT_EQ(delivery.waiting(), 0u);
}

TEST_F(ReportDeliveryTest, GivesAReportUpToAFileIfThereIsAJournal) {
  FakeRing ring;
  Journals journals(ring, timers, counters, {.directory = 1000, .sync = SyncPolicy::kNever, .max_bytes = 0, .worker = 0});
  std::vector<Report> given_up;
  ReportDelivery with_journal(timers, http, counters, &journals,
                              [&](Report report) { given_up.push_back(std::move(report)); });
  Report report{.id = id_of(1), .hook = "gone", .body = "{}"};
  report.failures = static_cast<std::uint8_t>(kReportPauses.size());
  with_journal.add(report);
  turn();
  ASSERT_EQ(given_up.size(), 1u);
  EXPECT_EQ(given_up[0].body, "{}");
  EXPECT_FALSE(with_journal.idle()) << "it is not in a file";
  with_journal.settle(std::move(given_up[0]), true);
  EXPECT_TRUE(with_journal.idle());
  EXPECT_EQ(with_journal.waiting(), 0u);
  EXPECT_EQ(count(Counter::kReportsUndelivered), 1u);
  EXPECT_EQ(count(Counter::kReportsLost), 0u);
}

TEST_F(ReportDeliveryTest, TakesEach2xxAndNothingElseForDelivered) {
  for (const int status : {200, 202, 299}) {
    add();
    http.answer(status);
    EXPECT_EQ(delivery.waiting(), 0u) << status;
  }
  for (const int status : {199, 302, 410, 503}) {
    add();
    http.answer(status);
    EXPECT_EQ(delivery.waiting(), 1u) << status;
    pass(kReportPauses[0]);
    http.answer(200);
    EXPECT_EQ(delivery.waiting(), 0u);
  }
}

TEST_F(ReportDeliveryTest, TakesNoAnswerInTheTurnAfterItsTimeout) {
  add(1);
  timers.set_now(timers.now() + Config{}.hook_timeout);
  timers.expire();
  EXPECT_EQ(http.waiting(), 0u) << "the worker hands out what has completed before it does what the timer has asked for";
}

TEST_F(ReportDeliveryTest, WaitsForAHookNoLongerThanItsTimeout) {
  add(1);
  pass(Config{}.hook_timeout);
  EXPECT_EQ(http.waiting(), 0u);
  EXPECT_EQ(count(Counter::kReportFailures), 1u);
  pass(kReportPauses[0]);
  EXPECT_EQ(http.waiting(), 1u);
}

TEST_F(ReportDeliveryTest, DoesNotLetOneHookDelayAnother) {
  for (int i = 0; i < 3 * static_cast<int>(kMaxReportsInFlight); ++i) add(i, "slow");
  EXPECT_EQ(http.waiting(), kMaxReportsInFlight);
  add(1);
  EXPECT_EQ(http.waiting(), kMaxReportsInFlight + 1);
  http.answer(200);
  turn();
  EXPECT_EQ(http.waiting(), kMaxReportsInFlight + 1) << "the next of the slow one's";
}

TEST_F(ReportDeliveryTest, SendsAReportAgainWhoseHookIsMissingForATime) {
  add(1, "gone");
  EXPECT_EQ(http.started, 0);
  EXPECT_EQ(count(Counter::kReportFailures), 1u);
  set_hooks({"gone"});
  pass(kReportPauses[0]);
  EXPECT_EQ(http.front().request.url, "http://gone/");
}

TEST_F(ReportDeliveryTest, HoldsABoundedAmountOfMemory) {
  const std::string body(1024 * 1024, 'b');
  for (std::size_t bytes = 0; bytes < 2 * kMaxReportBytesHeld; bytes += body.size()) add(1, "slow", body);
  EXPECT_LE(delivery.waiting(), kMaxReportBytesHeld / body.size());
  EXPECT_EQ(delivery.waiting() + count(Counter::kReportsLost), 2 * kMaxReportBytesHeld / body.size());
}

TEST_F(ReportDeliveryTest, EndsSoonAlsoIfAHookIsSilent) {
  for (std::uint32_t i = 0; i < 2 * kMaxReportsInFlight; ++i) add();
  delivery.end();
  http.answer(200);
  turn();
  EXPECT_EQ(count(Counter::kReportsDelivered), 1u);
  EXPECT_FALSE(delivery.idle());
  pass(kLastReportsTimeout);
  EXPECT_EQ(http.waiting(), 0u);
  EXPECT_TRUE(delivery.idle());
  add();
  EXPECT_TRUE(delivery.idle());
}

}  // namespace
}  // namespace streaming
