// SPDX-License-Identifier: Apache-2.0
// Kept answers and their followers, without streams: what each follower is handed on, and what is kept how long.

#include "answers/kept_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "support/kept_answers.h"
#include "support/parsed_payload.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class KeptAnswerTest : public KeptAnswersFixture {
 protected:
  // What a stream is to its answer.
  struct Reader {
    explicit Reader(KeptAnswer& kept) : answer(kept) { answer.enter(); }
    ~Reader() {
      if (session) session->cancel();
      session.reset();
      answer.leave();
    }
    std::string text() const { return sink.all(AnswerEvent::Kind::kFrames) + sink.all(AnswerEvent::Kind::kLastFrames); }

    KeptAnswer& answer;
    RecordingSink sink;
    std::unique_ptr<BackendSession> session;
  };

  KeptAnswer& start(const std::string& payload, Format format = Format::kContent) {
    request_ = parsed(payload);
    AnswerTable::Started started = table.start(*request_, format, backend);
    EXPECT_NE(started.answer, nullptr);
    return *started.answer;
  }
  std::unique_ptr<Reader> first_reader(KeptAnswer& answer) { return reader_of(answer, std::move(request_)); }
  std::unique_ptr<Reader> follow(KeptAnswer& answer, const std::string& position = "") {
    auto request = parsed("{\"answer_id\":\"a\",\"action\":\"follow\"" + position + "}");
    EXPECT_FALSE(answer.refusal_for(*request));
    return reader_of(answer, std::move(request));
  }
  int refusal(KeptAnswer& answer, const std::string& members) {
    const auto refusal = answer.refusal_for(*parsed("{\"answer_id\":\"a\"," + members + "}"));
    return refusal ? refusal->status : 0;
  }
  void text(std::string_view piece) {
    backend.sink->on_event({.kind = AnswerEvent::Kind::kText, .text = piece});
  }

 private:
  std::unique_ptr<Reader> reader_of(KeptAnswer& answer, std::unique_ptr<HandoffRequest> request) {
    auto reader = std::make_unique<Reader>(answer);
    reader->session = answer.answer(std::move(request), reader->sink);
    turn();
    return reader;
  }

  std::unique_ptr<HandoffRequest> request_;
};

// --- What followers get ---------------------------------------------------------------------------------------------

TEST_F(KeptAnswerTest, HandsEachFollowerTheWholeAnswerOnceWheneverItJoins) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  const auto first = first_reader(answer);
  text("one ");
  const auto second = follow(answer);
  text("two ");
  text("three");
  const auto third = follow(answer);
  backend.sink->on_end(FinishReason::kStop);
  turn();
  const auto late = follow(answer);
  turn();
  const std::string whole =
      "id: 1\ndata: {\"content\":\"one \"}\n\nid: 2\ndata: {\"content\":\"two \"}\n\n"
      "id: 3\ndata: {\"content\":\"three\"}\n\nid: 4\ndata: [DONE]\n\n";
  for (const Reader* reader : {first.get(), second.get(), third.get(), late.get()}) {
    EXPECT_EQ(reader->text(), whole);
    EXPECT_EQ(reader->sink.ends, 1);
  }
  EXPECT_EQ(late->sink.events.front().index, 3u);  // events, for the stream's count
}

TEST_F(KeptAnswerTest, HandsOnWhatComesInTheTurnInWhichAFollowerJoins) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  const auto first = first_reader(answer);
  text("one ");
  Reader joins(answer);
  joins.session = answer.answer(parsed(R"({"answer_id":"a","action":"follow"})"), joins.sink);
  text("two");  // before what is kept was handed on
  turn();
  EXPECT_EQ(joins.text(), first->text());
}

TEST_F(KeptAnswerTest, GoesOnAfterTheEventThatTheClientHasSeen) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  const auto first = first_reader(answer);
  for (const char* piece : {"1", "2", "3"}) text(piece);
  EXPECT_THAT(follow(answer, R"(,"after":2)")->text(), StartsWith("id: 3\n"));
  EXPECT_THAT(follow(answer, R"(,"after":0)")->text(), StartsWith("id: 1\n"));
  EXPECT_EQ(follow(answer, R"(,"after":3)")->text(), "");
  // A client that reconnects knows better than the page that it came from.
  EXPECT_THAT(follow(answer, R"(,"after":1,"apache":{"last_event_id":"2"})")->text(), StartsWith("id: 3\n"));
  EXPECT_EQ(refusal(answer, R"("after":4)"), 400);
  EXPECT_EQ(refusal(answer, R"("after":"no-such")"), 400);
}

TEST_F(KeptAnswerTest, HasNothingForAClientThatHasSeenTheEnd) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  const auto first = first_reader(answer);
  text("1");
  EXPECT_EQ(refusal(answer, R"("after":1)"), 0);
  backend.sink->on_end(FinishReason::kStop);
  EXPECT_EQ(refusal(answer, R"("after":1)"), 0);  // the end
  EXPECT_EQ(refusal(answer, R"("after":2)"), 204);
  EXPECT_EQ(refusal(answer, R"("after":"done")"), 204);
}

TEST_F(KeptAnswerTest, LeavesAnApisOwnIdsInRawAndNumbersOtherEvents) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})", Format::kRaw);
  const auto first = first_reader(answer);
  const auto upstream = [&](std::string_view id, std::string_view data) {
    backend.sink->on_event({.kind = AnswerEvent::Kind::kUpstream, .text = data, .id = id, .name = "message"});
  };
  upstream("", "{}");
  upstream("run-7", "{}");
  upstream("", "[1]");
  EXPECT_EQ(first->text(),
            "id: 1\nevent: message\ndata: {}\n\nevent: message\nid: run-7\ndata: {}\n\n"
            "id: 3\nevent: message\ndata: [1]\n\n");
  EXPECT_THAT(follow(answer, R"(,"after":"run-7")")->text(), StartsWith("id: 3\n"));
  EXPECT_THAT(follow(answer, R"(,"after":1)")->text(), StartsWith("event: message\nid: run-7\n"));
  EXPECT_EQ(refusal(answer, R"("after":2)"), 400);  // has another id
}

TEST_F(KeptAnswerTest, ReplaysAUiMessageFromItsStartWithTheSameId) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})", Format::kUiMessage);
  const auto first = first_reader(answer);
  text("1");
  const auto second = follow(answer, R"(,"after":1,"apache":{"last_event_id":"1"})");
  EXPECT_THAT(second->text(), StartsWith("data: {\"type\":\"start\",\"messageId\":\""));
  EXPECT_EQ(second->text(), first->text());
  EXPECT_THAT(first->text(), Not(HasSubstr("id: 1\n")));
}

TEST_F(KeptAnswerTest, TellsEachFollowerOfAFailureAndKeepsTheErrorAsTheEnd) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  const auto first = first_reader(answer);
  text("1");
  backend.sink->on_failure({.kind = FailureKind::kStatus, .detail = "d", .status = 429, .retry_after_seconds = 7});
  turn();
  const auto late = follow(answer);
  turn();
  for (const Reader* reader : {first.get(), late.get()}) {
    EXPECT_THAT(reader->text(), HasSubstr("id: error\nretry: 7000\ndata: {\"error\":"));
    EXPECT_EQ(reader->sink.failure, FailureKind::kStatus);
    EXPECT_EQ(reader->sink.status, 429);
    EXPECT_EQ(reader->sink.retry_after_seconds, 7);
  }
  EXPECT_EQ(refusal(answer, R"("after":"error")"), 204);
  EXPECT_THAT(ended, ElementsAre(CloseCause::kUpstreamStatus));
}

// --- Backpressure ---------------------------------------------------------------------------------------------------

TEST_F(KeptAnswerTest, LetsASlowFollowerSlowNobody) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  const auto slow = first_reader(answer);
  const auto fast = follow(answer);
  text("1");
  slow->session->pause();
  for (int i = 0; i < 100; ++i) text("more");
  EXPECT_EQ(backend.paused, 0);
  EXPECT_EQ(slow->sink.events.size(), 1u);
  EXPECT_EQ(fast->sink.events.size(), 101u);
  backend.sink->on_end(FinishReason::kStop);
  turn();
  EXPECT_EQ(slow->sink.ends, 0);
  slow->session->resume();
  turn();
  turn();
  EXPECT_EQ(slow->text(), fast->text());
  EXPECT_EQ(slow->sink.ends, 1);
}

TEST_F(KeptAnswerTest, GoesOnWithoutAnyFollower) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  first_reader(answer).reset();
  text("1");
  backend.sink->on_end(FinishReason::kStop);
  turn();
  EXPECT_THAT(ended, ElementsAre(CloseCause::kCompleted));
  EXPECT_EQ(backend.client_has_end, false);
  EXPECT_EQ(backend.destroyed, 1);
  EXPECT_THAT(follow(answer)->text(), StartsWith("id: 1\n"));
}

TEST_F(KeptAnswerTest, EndsWithItsLastFollowerIfTheHandoffWantsThat) {
  KeptAnswer& answer = start(R"({"answer_id":"a","on_disconnect":"cancel"})");
  auto first = first_reader(answer);
  auto second = follow(answer);
  first.reset();
  EXPECT_EQ(backend.cancelled, 0);
  second.reset();
  EXPECT_EQ(backend.cancelled, 1);
  EXPECT_THAT(ended, ElementsAre(CloseCause::kClientGone));
  EXPECT_FALSE(directory.find("a", ""));
}

TEST_F(KeptAnswerTest, ReportsThatAClientHasTheEndFromTheFirstThatHasIt) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  auto first = first_reader(answer);
  auto second = follow(answer);
  backend.sink->on_end(FinishReason::kStop);
  turn();
  EXPECT_THAT(backend.causes, ElementsAre(CloseCause::kCompleted));
  first->session->on_stream_end(false);  // its client had left
  first.reset();
  EXPECT_FALSE(backend.client_has_end);
  second->session->on_stream_end(true);
  second.reset();
  EXPECT_EQ(backend.client_has_end, true);
  EXPECT_EQ(backend.destroyed, 1);
}

// --- Stopping and waiting -------------------------------------------------------------------------------------------

TEST_F(KeptAnswerTest, IsStoppedOnceWithARegularEnd) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  const auto first = first_reader(answer);
  text("1");
  EXPECT_TRUE(table.stop(answer));
  EXPECT_EQ(backend.cancelled, 1);
  EXPECT_FALSE(table.stop(answer));
  turn();
  EXPECT_THAT(first->text(), EndsWith("id: 2\ndata: {\"stopped\":true}\n\ndata: [DONE]\n\n"));
  EXPECT_EQ(first->sink.failure, FailureKind::kStopped);
  EXPECT_EQ(refusal(answer, R"("after":2)"), 204);
  EXPECT_THAT(backend.causes, ElementsAre(CloseCause::kStopped));
}

TEST_F(KeptAnswerTest, EndsABackendThatFallsSilentAlsoWithoutFollowers) {
  KeptAnswer& silent = start(R"({"answer_id":"a"})");
  first_reader(silent).reset();
  pass(Duration(30'000));
  KeptAnswer& idle = start(R"({"answer_id":"b"})");
  first_reader(idle).reset();
  text("1");
  pass(Duration(59'000));
  text("2");
  pass(Duration(59'000));
  EXPECT_TRUE(idle.running());
  pass(Duration(1'000));
  KeptAnswer& endless = start(R"({"answer_id":"c"})");
  first_reader(endless).reset();
  for (int minute = 0; minute < 10; ++minute) {
    if (endless.running()) text("1");
    pass(Duration(30'000));
  }
  EXPECT_THAT(ended, ElementsAre(CloseCause::kFirstByteTimeout, CloseCause::kIdleTimeout, CloseCause::kTooLong));
}

// --- Limits ---------------------------------------------------------------------------------------------------------

TEST_F(KeptAnswerTest, RefusesFollowersBeyondTheLimit) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  const auto first = first_reader(answer);
  const auto second = follow(answer);
  const auto third = follow(answer);
  auto fourth = follow(answer);
  EXPECT_EQ(refusal(answer, R"("action":"follow")"), 429);
  fourth.reset();
  EXPECT_EQ(refusal(answer, R"("action":"follow")"), 0);
  EXPECT_EQ(refusal(answer, R"("action":"follow","format":"raw")"), 400);
}

TEST_F(KeptAnswerTest, CountsForItsUserWhileItRuns) {
  KeptAnswer& answer = start(R"({"answer_id":"a","user_id":"u"})");
  first_reader(answer).reset();
  const auto request = parsed(R"({"answer_id":"b","user_id":"u"})");
  EXPECT_EQ(table.start(*request, Format::kContent, backend).refusal->status, 429);
  table.stop(answer);
  AnswerTable::Started next = table.start(*request, Format::kContent, backend);
  ASSERT_NE(next.answer, nullptr);
  table.withdraw(*next.answer);
  EXPECT_FALSE(directory.find("b", "u"));
}

TEST_F(KeptAnswerTest, LosesItsOldestEventsOverItsLimitAndGoesOnForWhoHasThem) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  const auto fast = first_reader(answer);
  const auto slow = follow(answer);
  slow->session->pause();
  const std::string kilobyte(1000, 'x');
  for (int i = 0; i < 100; ++i) text(kilobyte);
  EXPECT_LE(answer.frames().bytes(), kAnswerSettings.max_answer_bytes);
  EXPECT_EQ(counters.get(Counter::kAnswersCutAtOwnLimit), 1u);
  EXPECT_EQ(fast->sink.events.size(), 100u);
  EXPECT_EQ(refusal(answer, R"("action":"follow")"), 204);
  EXPECT_EQ(refusal(answer, R"("after":5)"), 204);
  EXPECT_EQ(refusal(answer, R"("after":99)"), 0);
  slow->session->resume();
  turn();
  EXPECT_EQ(slow->sink.failure, FailureKind::kFellBehind);
  backend.sink->on_end(FinishReason::kStop);
  turn();
  EXPECT_EQ(fast->sink.ends, 1);
}

TEST_F(KeptAnswerTest, MakesRoomByForgettingTheOldestThatHaveEnded) {
  const std::string kilobyte(1000, 'x');
  std::vector<KeptAnswer*> answers;
  for (const std::string id : {"a", "b", "c", "d", "e"}) {
    KeptAnswer& answer = start("{\"answer_id\":\"" + id + "\"}");
    first_reader(answer).reset();
    for (int i = 0; i < 20; ++i) text(kilobyte);
    if (id == "e") break;
    backend.sink->on_end(FinishReason::kStop);
    turn();
    answers.push_back(&answer);
  }
  const auto reads_a = follow(*answers[0]);
  AnswerSettings settings = kAnswerSettings;
  settings.max_kept_bytes = table.metrics().bytes.get();
  table.set_settings(settings);
  for (int i = 0; i < 10; ++i) text(kilobyte);
  EXPECT_TRUE(directory.find("a", ""));  // is being read
  EXPECT_FALSE(directory.find("b", ""));
  EXPECT_TRUE(directory.find("c", ""));
  EXPECT_TRUE(directory.find("e", ""));
  EXPECT_LE(table.metrics().bytes.get(), settings.max_kept_bytes);
  EXPECT_EQ(counters.get(Counter::kAnswersForgotten), 1u);
  EXPECT_EQ(counters.get(Counter::kAnswersCutAtCommonLimit), 0u);
}

TEST_F(KeptAnswerTest, KeepsToTheCommonLimitHoweverManyAnswersGrow) {
  AnswerSettings settings = kAnswerSettings;
  settings.max_kept_bytes = 20'000;
  table.set_settings(settings);
  std::vector<EventSink*> answers;
  std::vector<std::unique_ptr<Reader>> readers;  // of running answers and of ended ones
  for (int number = 0; number < 40; ++number) {
    const auto request = parsed("{\"answer_id\":\"" + std::to_string(number) + "\"}");
    AnswerTable::Started started = table.start(*request, Format::kContent, backend);
    ASSERT_NE(started.answer, nullptr) << number;
    readers.push_back(std::make_unique<Reader>(*started.answer));
    readers.back()->session = started.answer->answer(parsed("{\"answer_id\":\"" + std::to_string(number) + "\"}"), readers.back()->sink);
    turn();
    answers.push_back(backend.sink);
    for (EventSink* answer : answers) {
      answer->on_event({.kind = AnswerEvent::Kind::kText, .text = std::string(100 + static_cast<std::size_t>(number), 'x')});
      ASSERT_LE(table.metrics().bytes.get(), settings.max_kept_bytes);
    }
  }
  EXPECT_GT(counters.get(Counter::kAnswersCutAtCommonLimit), 0u);
  for (std::size_t i = 0; i < readers.size(); ++i) EXPECT_EQ(readers[i]->sink.events.size(), 40 - i) << i;
}

TEST_F(KeptAnswerTest, RefusesANewAnswerForWhichNoRoomCanBeMade) {
  KeptAnswer& answer = start(R"({"answer_id":"a","user_id":"u"})");
  const auto reader = first_reader(answer);
  AnswerSettings settings = kAnswerSettings;
  settings.max_kept_bytes = table.metrics().bytes.get();
  table.set_settings(settings);
  const auto request = parsed(R"({"answer_id":"b","user_id":"v"})");
  const AnswerTable::Started refused = table.start(*request, Format::kContent, backend);
  EXPECT_EQ(refused.answer, nullptr);
  EXPECT_EQ(refused.refusal->status, 503);
  EXPECT_FALSE(directory.find("b", "v"));
  table.set_settings(kAnswerSettings);
  EXPECT_NE(table.start(*request, Format::kContent, backend).answer, nullptr);  // it counted for no user
}

TEST_F(KeptAnswerTest, HandsOnTheEndEvenIfNothingElseCanBeKept) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  const auto first = first_reader(answer);
  AnswerSettings settings = kAnswerSettings;
  settings.max_kept_bytes = 0;
  table.set_settings(settings);
  text("1");
  EXPECT_EQ(answer.frames().bytes(), 0u);
  backend.sink->on_end(FinishReason::kStop);
  turn();
  EXPECT_EQ(first->text(), "id: 1\ndata: {\"content\":\"1\"}\n\nid: 2\ndata: [DONE]\n\n");
  EXPECT_EQ(first->sink.ends, 1);
}

TEST_F(KeptAnswerTest, IsForgottenWhenItsTimeIsUpAndNobodyReadsIt) {
  KeptAnswer& answer = start(R"({"answer_id":"a"})");
  auto first = first_reader(answer);
  backend.sink->on_end(FinishReason::kStop);
  pass(Duration(299'000));
  EXPECT_TRUE(directory.find("a", ""));
  pass(Duration(2'000));
  EXPECT_TRUE(directory.find("a", ""));  // its client still reads
  first.reset();
  pass(Duration(300'000));
  EXPECT_FALSE(directory.find("a", ""));
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.metrics().bytes.get(), 0u);
}

}  // namespace
}  // namespace streaming
