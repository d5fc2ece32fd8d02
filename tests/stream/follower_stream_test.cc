// SPDX-License-Identifier: Apache-2.0
// Streams that read a kept answer.

#include "answers/answer_marks.h"
#include "answers/answer_table.h"
#include "stream/stream_fixture.h"
#include "support/kept_answers.h"
#include "support/parsed_payload.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr AnswerSettings large_answers() {
  AnswerSettings settings = kAnswerSettings;
  settings.max_answer_bytes = settings.max_kept_bytes = 1024 * 1024;
  return settings;
}

constexpr StreamSettings with_head_held(StreamSettings settings) {
  settings.early_head = false;
  return settings;
}

class FollowerStreamTest : public StreamTest {
 protected:
  explicit FollowerStreamTest(const StreamSettings& settings = kSettings) : StreamTest(settings) {}
  ~FollowerStreamTest() override { finish_all(); }

  void ask(std::string_view payload = R"({"answer_id":"a","user_id":"u"})") {
    auto request = parsed(payload);
    AnswerTable::Started started = answers.start(*request, *table.format_of(*request, backend), backend);
    ASSERT_NE(started.answer, nullptr);
    answer = started.answer;
    join(std::move(request));
  }
  void join(std::unique_ptr<HandoffRequest> request) {
    Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
    EXPECT_TRUE(table.follow(client, std::move(request), *answer));
    timers.expire();
    timers.end_turn();
  }
  void turn() {
    timers.expire();
    timers.end_turn();
  }
  void finish_all() {
    table.close_all(CloseCause::kShutdown);
    turn();
    send_all();
    while (ring.count(Operation::kClientShutdown) > 0) ring.complete(Operation::kClientShutdown, 0);
    while (ring.count(Operation::kClientWatch) > 0) client_leaves();
    ring.complete_cancelled();
    while (ring.count(Operation::kClientClose) > 0) ring.complete(Operation::kClientClose, 0);
  }

  AnswerDirectory directory;
  AnswerTable answers{0, timers, directory, users, reports, counters, table, large_answers()};
  KeptAnswer* answer = nullptr;
};

TEST_F(FollowerStreamTest, SendsTheAnswersEventsAsTheyAreKept) {
  ask();
  EXPECT_THAT(send_all(), StartsWith("HTTP/1.1 200 OK\r\n"));
  text("one");
  end_of_turn();
  EXPECT_EQ(send_all(), "id: 1\ndata: {\"content\":\"one\"}\n\n");
  backend.sink->on_end(FinishReason::kStop);
  turn();
  EXPECT_EQ(send_all(), "id: 2\ndata: [DONE]\n\n");
  EXPECT_EQ(table.metrics().backends[0].requests.get(), 1u);
  EXPECT_EQ(table.metrics().backends[0].duration.sum_us(), 0);
}

TEST_F(FollowerStreamTest, TellsASuccessorThatWhatFollowsIsTheEndWhenItIsClosedFirst) {
  ask();
  text("one");
  end_of_turn();
  send_all();
  client_leaves();
  finish();
  auto request = parsed(R"({"answer_id":"a","action":"follow"})");
  request->for_successor = true;
  join(std::move(request));
  EXPECT_THAT(send_all(), EndsWith("id: 1\ndata: {\"content\":\"one\"}\n\n: live\n\n"));
  answers.end_all();
  table.close_all(CloseCause::kShutdown);
  turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, StartsWith(end_mark(CloseCause::kShutdown, 0, 0)));
  EXPECT_THAT(sent, HasSubstr("\"code\":\"shutdown\""));
}

TEST_F(FollowerStreamTest, LeavesTheAnswerRunningWhenItsClientLeaves) {
  ask();
  send_all();
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
  EXPECT_TRUE(answer->running());
  EXPECT_EQ(backend.cancelled, 0);
  text("one");
  join(parsed(R"({"answer_id":"a","action":"follow"})"));
  EXPECT_THAT(send_all(), EndsWith("id: 1\ndata: {\"content\":\"one\"}\n\n"));
}

TEST_F(FollowerStreamTest, ClosesWhenTheClientLeavesThatJoined) {
  ask();
  send_all();
  client_leaves();
  finish();
  join(parsed(R"({"answer_id":"a","action":"follow"})"));
  send_all();
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kClientGone), 2u);
  EXPECT_EQ(answer->followers(), 0u);
  EXPECT_TRUE(answer->running());
}

TEST_F(FollowerStreamTest, WaitsForTheAnswerAndBeatsMeanwhile) {
  ask();
  send_all();
  text("one");
  end_of_turn();
  send_all();
  pass(Duration(15'000));
  EXPECT_EQ(send_all(), ": ping\n\n");
  for (int i = 0; i < 3; ++i) pass(Duration(15'000));
  send_all();
  turn();
  EXPECT_THAT(send_all(), HasSubstr("\"code\":\"idle_timeout\""));
  EXPECT_FALSE(answer->running());
}

TEST_F(FollowerStreamTest, PausesAloneWhileItsClientIsSlow) {
  ask();
  send_all();
  text(std::string(100'000, 'x'));
  end_of_turn();
  text("behind");
  end_of_turn();
  EXPECT_EQ(backend.paused, 0);
  EXPECT_EQ(counters.get(Counter::kPauses), 1u);
  std::string sent = send_all();
  turn();
  sent += send_all();
  EXPECT_THAT(sent, EndsWith("xx\"}\n\nid: 2\ndata: {\"content\":\"behind\"}\n\n"));
}

TEST_F(FollowerStreamTest, ClosesAsStoppedWithAWholeAnswer) {
  ask(R"({"answer_id":"a","apache":{"protocol":"HTTP/1.1"}})");
  send_all();
  answers.stop(*answer);
  turn();
  EXPECT_THAT(send_all(), EndsWith("data: {\"stopped\":true}\n\ndata: [DONE]\n\n\r\n0\r\n\r\n"));
  ring.complete(Operation::kClientShutdown, 0);
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kStopped), 1u);
}

TEST_F(FollowerStreamTest, CountsTokensAndErrorsOnceForAllFollowers) {
  ask(R"({"answer_id":"a","model":"m"})");
  join(parsed(R"({"answer_id":"a","action":"follow"})"));
  send_all();
  backend.sink->on_usage({.input_tokens = 3, .output_tokens = 4});
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "d"});
  turn();
  EXPECT_EQ(table.metrics().backends[0].errors.get(), 1u);
  EXPECT_EQ(table.metrics().tokens().all().begin()->second.output, 4u);
  send_all();
}

class HeldHeadFollowerTest : public FollowerStreamTest {
 protected:
  HeldHeadFollowerTest() : FollowerStreamTest(with_head_held(kSettings)) {}
};

TEST_F(HeldHeadFollowerTest, AnswersWithTheStatusOfAnAnswerThatFailedBeforeItsFirstEvent) {
  ask();
  backend.sink->on_failure({.kind = FailureKind::kStatus, .detail = "d", .status = 429, .retry_after_seconds = 5});
  turn();
  EXPECT_THAT(send_all(), StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
  join(parsed(R"({"answer_id":"a","action":"follow"})"));
  EXPECT_THAT(send_all(), HasSubstr("Retry-After: 5\r\n"));
}

TEST_F(HeldHeadFollowerTest, ReplaysAPartBeforeTheErrorThatEndedIt) {
  ask();
  client_leaves();
  finish();
  text("one");
  backend.sink->on_failure({.kind = FailureKind::kTruncated, .detail = "d"});
  join(parsed(R"({"answer_id":"a","action":"follow"})"));
  std::string sent = send_all();
  turn();
  sent += send_all();
  EXPECT_THAT(sent, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(sent, HasSubstr("id: 1\ndata: {\"content\":\"one\"}\n\nid: error\n"));
}

}  // namespace
}  // namespace streaming
