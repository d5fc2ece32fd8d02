// SPDX-License-Identifier: Apache-2.0
#include "answers/report_delivery.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "answers/fake_hooks.h"
#include "base/log.h"

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
  void add(const std::string& id, const std::string& hook = "chat", const std::string& body = "{}") {
    delivery.add({.id = id, .hook = hook, .body = body});
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
  ReportDelivery delivery{timers, http, counters};
};

TEST_F(ReportDeliveryTest, PostsASignedReport) {
  add("msg_1", "chat", "{\"text\":\"hi\"}");
  ASSERT_EQ(http.waiting(), 1u);
  const FakeHooks::Post& post = http.front();
  EXPECT_EQ(post.request.url, "http://chat/");
  EXPECT_EQ(post.request.body, "{\"text\":\"hi\"}");
  EXPECT_EQ(post.header("Content-Type"), "application/json");
  EXPECT_EQ(post.header("webhook-id"), "msg_1");
  EXPECT_EQ(post.header("webhook-signature"),
            SigningKeys::parse(kHookSecret).value().sign("msg_1", post.header("webhook-timestamp"), post.request.body));
  EXPECT_FALSE(delivery.idle());
  http.answer(204);
  turn();
  EXPECT_TRUE(delivery.idle());
  EXPECT_EQ(delivery.waiting(), 0u);
  EXPECT_EQ(count(Counter::kReportsDelivered), 1u);
}

TEST_F(ReportDeliveryTest, SendsAReportAgainAfterEachPauseAndThenGivesItUp) {
  add("msg_1");
  for (const Duration pause : kReportPauses) {
    const std::string id = http.front().header("webhook-id");
    EXPECT_EQ(id, "msg_1") << "a receiver knows a report by it";
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

TEST_F(ReportDeliveryTest, TakesEach2xxAndNothingElseForDelivered) {
  for (const int status : {200, 202, 299}) {
    add("msg");
    http.answer(status);
    EXPECT_EQ(delivery.waiting(), 0u) << status;
  }
  for (const int status : {199, 302, 410, 503}) {
    add("msg");
    http.answer(status);
    EXPECT_EQ(delivery.waiting(), 1u) << status;
    pass(kReportPauses[0]);
    http.answer(200);
    EXPECT_EQ(delivery.waiting(), 0u);
  }
}

TEST_F(ReportDeliveryTest, WaitsForAHookNoLongerThanItsTimeout) {
  add("msg_1");
  pass(Config{}.hook_timeout);
  EXPECT_EQ(http.waiting(), 0u);
  EXPECT_EQ(count(Counter::kReportFailures), 1u);
  pass(kReportPauses[0]);
  EXPECT_EQ(http.waiting(), 1u);
}

TEST_F(ReportDeliveryTest, DoesNotLetOneHookDelayAnother) {
  for (std::uint32_t i = 0; i < 3 * kMaxReportsInFlight; ++i) add("s" + std::to_string(i), "slow");
  EXPECT_EQ(http.waiting(), kMaxReportsInFlight);
  add("msg_1");
  EXPECT_EQ(http.waiting(), kMaxReportsInFlight + 1);
  http.answer(200);
  turn();
  EXPECT_EQ(http.waiting(), kMaxReportsInFlight + 1) << "the next of the slow one's";
}

TEST_F(ReportDeliveryTest, SendsAReportAgainWhoseHookIsMissingForATime) {
  add("msg_1", "gone");
  EXPECT_EQ(http.started, 0);
  EXPECT_EQ(count(Counter::kReportFailures), 1u);
  set_hooks({"gone"});
  pass(kReportPauses[0]);
  EXPECT_EQ(http.front().request.url, "http://gone/");
}

TEST_F(ReportDeliveryTest, HoldsABoundedAmountOfMemory) {
  const std::string body(1024 * 1024, 'b');
  for (std::size_t bytes = 0; bytes < 2 * kMaxReportBytesHeld; bytes += body.size()) add("msg", "slow", body);
  EXPECT_LE(delivery.waiting(), kMaxReportBytesHeld / body.size());
  EXPECT_EQ(delivery.waiting() + count(Counter::kReportsLost), 2 * kMaxReportBytesHeld / body.size());
}

TEST_F(ReportDeliveryTest, EndsSoonAlsoIfAHookIsSilent) {
  for (std::uint32_t i = 0; i < 2 * kMaxReportsInFlight; ++i) add("msg");
  delivery.end();
  http.answer(200);
  turn();
  EXPECT_EQ(count(Counter::kReportsDelivered), 1u);
  EXPECT_FALSE(delivery.idle());
  pass(kLastReportsTimeout);
  EXPECT_EQ(http.waiting(), 0u);
  EXPECT_TRUE(delivery.idle());
  add("msg");
  EXPECT_TRUE(delivery.idle());
}

}  // namespace
}  // namespace streaming
