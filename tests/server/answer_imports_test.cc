// SPDX-License-Identifier: Apache-2.0
// Answers that are taken over from a predecessor, which the test plays.

#include "server/answer_imports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "answers/answer_marks.h"
#include "server/limits.h"
#include "support/fake_ring.h"
#include "support/kept_answers.h"
#include "support/parsed_payload.h"
#include "support/unix_sockets.h"

namespace streaming {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* kAsk = R"({"answer_id":"a"})";
constexpr const char* kStop = R"({"answer_id":"a","action":"stop"})";
constexpr int kDescriptors = 1 << 20;
constexpr const char* kKeptHead = "HTTP/1.1 200 OK\r\nX-Kept-Format: content\r\nX-Kept-Backend: mock\r\n\r\n";

class AnswerImportsTest : public KeptAnswersFixture, private CompletionHandler {
 protected:
  AnswerImportsTest() {
    imports.enter_at(completions);
    ring.set_handler(*this);
    predecessor.report_that_we_serve();
    read_some(channel.second.get());
  }
  ~AnswerImportsTest() override {
    for (; ring.count(Operation::kImportReadable) > 0; turn()) says("");
  }

  void ask(const char* payload = kAsk) { imports.ask(Client{}, parsed(payload)); }
  // Whether the client waits for what the predecessor has of the answer.
  bool waits(const char* payload = kAsk) {
    Client client;
    auto request = parsed(payload);
    return imports.wait(client, request);
  }
  // To the oldest question that waits for its reply. Empty: that is over.
  void says(std::string_view text) {
    ring.complete(Operation::kImportReadable, POLLIN);
    const std::span<char> room = ring.find(Operation::kImportReceive).room;
    std::copy(text.begin(), text.end(), room.begin());
    ring.complete(Operation::kImportReceive, static_cast<std::int32_t>(text.size()));
    turn();
  }

  FakeRing ring;
  CompletionTable completions;
  std::pair<UniqueFd, UniqueFd> channel = socket_pair(SOCK_SEQPACKET);
  Predecessor predecessor{std::move(channel.first)};
  int decided = 0;              // clients on whom the daemon decides again
  std::vector<int> answered{};  // the statuses of the others
  AnswerImports::Outcome outcome{
      .decide = [this](Client, std::unique_ptr<HandoffRequest>) { ++decided; },
      .answer = [this](Client, const Refusal& answer) { answered.push_back(answer.status); }};
  AnswerImports imports{ring, timers, &predecessor, kDescriptors, table, outcome};

 private:
  void on_completion(const Completion& completion) override { completions.on_completion(completion); }
};

TEST_F(AnswerImportsTest, HaveClientsWaitUntilAllThatTheOldDaemonHasKeptIsHere) {
  ask();
  EXPECT_TRUE(waits());
  says(std::string(kKeptHead) + "id: 1\ndata: 1\n\n");
  ASSERT_NE(table.find("a"), nullptr);
  EXPECT_TRUE(waits());
  EXPECT_EQ(decided, 0);
  says("id: 2\ndata: 2\n\n" + std::string(kLiveMark));
  EXPECT_EQ(decided, 3);
  EXPECT_EQ(table.find("a")->events(), 2u);
  EXPECT_FALSE(waits());
}

TEST_F(AnswerImportsTest, BeginNothingAnewWhileTheOldDaemonMayHaveIt) {
  ask();
  ask();
  pass(kPredecessorPatience);
  EXPECT_THAT(answered, ElementsAre(503, 503));
  ask();
  says(std::string(kKeptHead) + std::string(kLiveMark));
  EXPECT_EQ(decided, 1) << "the late reply counts";
  EXPECT_NE(table.find("a"), nullptr);
}

TEST_F(AnswerImportsTest, AreDecidedHereIfTheirAnswerHasEndedHereBeforeAllOfItHasCome) {
  ask();
  EXPECT_TRUE(waits());
  says(std::string(kKeptHead) + "id: 1\ndata: 1\n\n");
  ASSERT_TRUE(table.stop(*table.find("a")));
  turn();
  ring.complete_cancelled();
  turn();
  EXPECT_EQ(decided, 2);
  EXPECT_TRUE(imports.empty());
}

TEST_F(AnswerImportsTest, AskOnlyOnceHoweverManyClientsWait) {
  for (int i = 0; i < 5; ++i) ask();
  EXPECT_EQ(ring.count(Operation::kImportReadable), 1);
  says("");
  EXPECT_EQ(decided, 5) << "there is no such answer";
}

TEST_F(AnswerImportsTest, PassOnThatTheBeginningIsNotKeptAnyMore) {
  ask();
  says("HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_THAT(answered, ElementsAre(204));
  EXPECT_EQ(decided, 0);
}

TEST_F(AnswerImportsTest, AreDecidedHereIfTheOldDaemonHasNoSuchAnswer) {
  for (const char* reply : {"HTTP/1.1 404 Not Found\r\n\r\n", ""}) {
    ask();
    says(reply);
  }
  ask(kStop);
  says("HTTP/1.1 404 Not Found\r\n\r\n");
  EXPECT_EQ(decided, 3);
  EXPECT_THAT(answered, IsEmpty());
}

TEST_F(AnswerImportsTest, AreTriedAgainLaterIfTheOldDaemonIsEnding) {
  ask();
  says("HTTP/1.1 503 Service Unavailable\r\n\r\n");
  EXPECT_THAT(answered, ElementsAre(503));
}

TEST_F(AnswerImportsTest, AreTriedAgainLaterIfThereIsNoRoomForThem) {
  AnswerSettings narrow = kAnswerSettings;
  narrow.max_kept_bytes = 1;
  table.set_settings(narrow);
  ask();
  says(std::string(kKeptHead) + std::string(kLiveMark));
  EXPECT_THAT(answered, ElementsAre(503));
}

TEST_F(AnswerImportsTest, HaveNoPartOfTheFramesWithinWhichTheOldDaemonHasEnded) {
  ask();
  says(std::string(kKeptHead) + "id: 1\ndata: 1\n\n" + end_mark(CloseCause::kCompleted, 200, 0) + "data: [DO");
  says("");
  const KeptAnswer* const answer = table.find("a");
  ASSERT_NE(answer, nullptr);
  EXPECT_FALSE(answer->running());
  EXPECT_EQ(answer->frames().end(), answer->content_end());
  EXPECT_EQ(answer->refusal_for(*parsed(R"({"answer_id":"a","after":2})"))->status, 400) << "there is no such event";
  EXPECT_EQ(answer->refusal_for(*parsed(R"({"answer_id":"a","after":1})"))->status, 204) << "it is the last";
}

TEST_F(AnswerImportsTest, AreTriedAgainLaterIfNoDescriptorIsLeftForThem) {
  AnswerImports narrow{ring, timers, &predecessor, channel.second.get(), table, outcome};
  narrow.ask(Client{}, parsed(kAsk));
  EXPECT_THAT(answered, ElementsAre(503));
  EXPECT_TRUE(narrow.empty());
  pollfd question{.fd = channel.second.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&question, 1, 0), 0) << "the old daemon was asked";
}

TEST_F(AnswerImportsTest, AreTriedAgainLaterIfTheirFormatIsALaterVersions) {
  ask();
  says("HTTP/1.1 200 OK\r\nX-Kept-Format: new\r\n\r\n");
  EXPECT_THAT(answered, ElementsAre(503));
}

TEST_F(AnswerImportsTest, PassOnWhatBecameOfAStop) {
  ask(kStop);
  says("HTTP/1.1 204 No Content\r\n\r\n");
  ask(kStop);
  says("HTTP/1.1 403 Forbidden\r\n\r\n");
  EXPECT_THAT(answered, ElementsAre(204, 403));
}

TEST_F(AnswerImportsTest, AreDecidedHereOnceTheOldDaemonHasEnded) {
  channel.second.reset();
  ask();
  EXPECT_EQ(decided, 1);
  EXPECT_FALSE(imports.can_ask(*parsed(kAsk)));
}

}  // namespace
}  // namespace streaming
