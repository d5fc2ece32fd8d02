// SPDX-License-Identifier: Apache-2.0
// Kept answers in the real program: followed, resumed and stopped by any hand-off, on any worker.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "support/daemon_process.h"
#include "support/mock_answer.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string body(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

class KeptAnswers : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(daemon.ready()) << daemon.log(); }

  std::string answer_to(const std::string& payload) const {
    return read_to_end(daemon.hand_client_over(payload).get());
  }
  // Reads until the text has come, so that the answer runs.
  static std::string read_until(int browser, std::string_view text) {
    std::string read;
    char byte = 0;
    while (read.find(text) == std::string::npos && ::read(browser, &byte, 1) == 1) read += byte;
    return read;
  }

  DaemonProcess daemon{{"--delay", "30", "--workers", "3"}};
};

TEST_F(KeptAnswers, AreTheSameForAllWhoFollowWhateverTheirWorker) {
  const UniqueFd asker = daemon.hand_client_over(R"({"answer_id":"a","prompt":"hello"})");
  const std::string beginning = read_until(asker.get(), "id: 2\n");
  std::vector<UniqueFd> followers;
  for (int i = 0; i < 9; ++i) {
    followers.push_back(daemon.hand_client_over(R"({"answer_id":"a","action":"follow"})"));
  }
  const std::string whole = body(beginning + read_to_end(asker.get()));
  EXPECT_THAT(whole, HasSubstr("id: 18\n"));
  EXPECT_TRUE(whole.ends_with("id: 19\ndata: [DONE]\n\n")) << whole;
  for (const UniqueFd& follower : followers) EXPECT_EQ(body(read_to_end(follower.get())), whole);
  EXPECT_EQ(body(answer_to(R"({"answer_id":"a","prompt":"hello"})")), whole);
  EXPECT_TRUE(daemon.logs("answer a is asked for again"));
}

TEST_F(KeptAnswers, AreResumedByWhoHasLostTheConnection) {
  UniqueFd asker = daemon.hand_client_over(R"({"answer_id":"a"})");
  read_until(asker.get(), "id: 3\n");
  asker.reset();
  // As an EventSource repeats its request.
  const std::string rest = body(answer_to(R"({"answer_id":"a","apache":{"last_event_id":"3"}})"));
  EXPECT_THAT(rest, StartsWith(":\n\nid: 4\n"));
  EXPECT_THAT(rest, HasSubstr("id: 19\ndata: [DONE]\n\n"));
  for (int i = 0; i < 4; ++i) {
    EXPECT_THAT(answer_to(R"({"answer_id":"a","apache":{"last_event_id":"19"}})"), StartsWith("HTTP/1.1 204 "));
  }
}

TEST_F(KeptAnswers, AreNotThereForWhoAsksForAnUnknownOne) {
  EXPECT_THAT(answer_to(R"({"answer_id":"none","action":"follow"})"), StartsWith("HTTP/1.1 204 No Content\r\n"));
  EXPECT_THAT(answer_to(R"({"answer_id":"none","apache":{"last_event_id":"7"}})"), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(answer_to(R"({"answer_id":"none","action":"stop"})"), StartsWith("HTTP/1.1 404 Not Found\r\n"));
  EXPECT_THAT(answer_to(R"({"answer_id":"none","backend":"exec"})"), StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(is_whole(answer_to("{}")));
}

TEST_F(KeptAnswers, StopForAllFollowersOnceAndNeverANewerOne) {
  const UniqueFd asker = daemon.hand_client_over(R"({"answer_id":"a"})");
  read_until(asker.get(), "id: 1\n");
  const UniqueFd follower = daemon.hand_client_over(R"({"answer_id":"a","action":"follow"})");
  read_until(follower.get(), "id: 1\n");
  EXPECT_THAT(answer_to(R"({"answer_id":"a","action":"stop"})"), StartsWith("HTTP/1.1 204 "));
  for (const int browser : {asker.get(), follower.get()}) {
    EXPECT_THAT(read_to_end(browser), HasSubstr("data: {\"stopped\":true}\n\ndata: [DONE]\n\n"));
  }
  const UniqueFd newer = daemon.hand_client_over(R"({"answer_id":"b"})");
  for (int i = 0; i < 5; ++i) {
    EXPECT_THAT(answer_to(R"({"answer_id":"a","action":"stop"})"), StartsWith("HTTP/1.1 404 "));
  }
  EXPECT_THAT(read_to_end(newer.get()), HasSubstr("id: 19\ndata: [DONE]\n\n"));
  EXPECT_TRUE(daemon.logs("cause=stopped"));
}

TEST_F(KeptAnswers, BelongToTheUserWhoAsked) {
  const UniqueFd asker = daemon.hand_client_over(R"({"answer_id":"a","user_id":7})");
  read_until(asker.get(), "id: 1\n");
  for (const char* payload :
       {R"({"answer_id":"a","action":"follow","user_id":8})", R"({"answer_id":"a","action":"stop"})",
        R"({"answer_id":"a","action":"stop","user_id":8})", R"({"answer_id":"a","user_id":"77"})"}) {
    for (int i = 0; i < 3; ++i) EXPECT_THAT(answer_to(payload), StartsWith("HTTP/1.1 403 Forbidden\r\n")) << payload;
  }
  EXPECT_THAT(answer_to(R"({"answer_id":"a","action":"stop","user_id":7})"), StartsWith("HTTP/1.1 204 "));
}

TEST_F(KeptAnswers, BeginOnceHoweverManyAskAtOnce) {
  std::vector<UniqueFd> browsers;
  for (int i = 0; i < 16; ++i) browsers.push_back(daemon.hand_client_over(R"({"answer_id":"a","format":"ui-message"})"));
  const std::string first = body(read_to_end(browsers.front().get()));
  EXPECT_THAT(first, HasSubstr("\"messageId\""));
  for (std::size_t i = 1; i < browsers.size(); ++i) EXPECT_EQ(body(read_to_end(browsers[i].get())), first);
}

TEST_F(KeptAnswers, KeepTheDaemonUntilTheyEndButNotAfterwards) {
  UniqueFd asker = daemon.hand_client_over(R"({"answer_id":"a"})");
  read_until(asker.get(), "id: 1\n");
  asker.reset();
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_THAT(daemon.log(), HasSubstr("answer ended answer=a backend=mock cause=completed events=18"));
}

}  // namespace
}  // namespace streaming
