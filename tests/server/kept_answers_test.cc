// SPDX-License-Identifier: Apache-2.0
// Kept answers in the real program: followed, resumed and stopped by any hand-off, on any worker.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/mock_answer.h"
#include "support/upgrade.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

std::string body(const std::string& answer) {
  const std::size_t end = answer.find("\r\n\r\n");
  return end == std::string::npos ? "" : answer.substr(end + 4);
}

// Reads until the text has come, so that the answer runs.
std::string read_until(int browser, std::string_view text) {
  std::string read;
  char byte = 0;
  while (read.find(text) == std::string::npos && ::read(browser, &byte, 1) == 1) read += byte;
  return read;
}

class KeptAnswers : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(daemon.ready()) << daemon.log(); }

  std::string answer_to(const std::string& payload) const {
    return read_to_end(daemon.hand_client_over(payload).get());
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

TEST(KeptAnswersAtTheCommonLimit, AreForgottenEarlyWithOneLineForMany) {
  constexpr int kAnswers = 800;  // of 1.5 KB and more
  const DaemonProcess daemon({"--delay", "0", "--workers", "1"},
                             [] { setenv("DAEMON_ANSWERS_MAX_KEPT_BYTES", "1048576", 1); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string user(200, 'u');
  for (int number = 0; number < kAnswers; ++number) {
    const std::string id = std::to_string(number);
    read_to_end(daemon.hand_client_over("{\"answer_id\":\"" + id + "\",\"user_id\":\"" + user + "\"}").get());
  }
  const std::string line = "forgotten before their time since the last such line: 1, the last 0; ";
  EXPECT_TRUE(daemon.logs(line));
  const std::string log = daemon.log();
  EXPECT_EQ(log.find("forgotten before", log.find(line) + 1), std::string::npos) << log;
}

TEST_F(KeptAnswers, KeepTheDaemonUntilTheyEndButNotAfterwards) {
  UniqueFd asker = daemon.hand_client_over(R"({"answer_id":"a"})");
  read_until(asker.get(), "id: 1\n");
  asker.reset();
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_THAT(daemon.log(), HasSubstr("answer ended answer=a backend=mock cause=completed events=18"));
}

// --- During an upgrade ----------------------------------------------------------------------------------------------

class KeptAnswersInAnUpgrade : public Upgrade {
 protected:
  static constexpr const char* kAsk = R"({"answer_id":"a","user_id":"u"})";
  static constexpr const char* kFollow = R"({"answer_id":"a","action":"follow","user_id":"u"})";
  static constexpr const char* kStop = R"({"answer_id":"a","action":"stop","user_id":"u"})";

  std::string answer_to(const std::string& payload) const {
    return read_to_end(daemon.hand_client_over(payload).get());
  }
  // Until the old daemon has nothing that is kept, and its successor has ended too.
  void end_both(pid_t successor) {
    kill(successor, SIGTERM);
    EXPECT_EQ(daemon.exit_status(), 0);
    EXPECT_EQ(end(successor), 0);
  }

  DaemonProcess daemon{{"--delay", "60", "--workers", "2"}};
};

TEST_F(KeptAnswersInAnUpgrade, AreFollowedAndKeptByTheSuccessor) {
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string ended = body(answer_to(R"({"answer_id":"ended","format":"ui-message"})"));
  UniqueFd asker = daemon.hand_client_over(kAsk);
  const std::string beginning = read_until(asker.get(), "id: 3\n");
  const pid_t successor = successor_of(daemon);
  ASSERT_GT(successor, 0) << daemon.log();

  const UniqueFd follower = daemon.hand_client_over(kFollow);
  const UniqueFd reconnected =
      daemon.hand_client_over(R"({"answer_id":"a","user_id":"u","apache":{"last_event_id":"3"}})");
  EXPECT_THAT(answer_to(R"({"answer_id":"a","action":"follow","user_id":"v"})"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(answer_to(R"({"answer_id":"none","action":"follow"})"), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(answer_to(R"({"answer_id":"none","action":"stop"})"), StartsWith("HTTP/1.1 404 "));
  EXPECT_EQ(body(answer_to(R"({"answer_id":"ended"})")), ended);

  const std::string whole = body(beginning + read_to_end(asker.get()));
  EXPECT_THAT(whole, HasSubstr("id: 19\ndata: [DONE]\n\n"));
  EXPECT_EQ(body(read_to_end(follower.get())), whole);
  const std::string rest = body(read_to_end(reconnected.get()));
  EXPECT_THAT(rest, StartsWith(":\n\nid: 4\n"));
  EXPECT_TRUE(whole.ends_with(rest.substr(3)));
  EXPECT_THAT(answer_to(R"({"answer_id":"a","user_id":"u","apache":{"last_event_id":"19"}})"), StartsWith("HTTP/1.1 204 "));
  end_both(successor);
}

TEST_F(KeptAnswersInAnUpgrade, AreStoppedWhereTheyRun) {
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd asker = daemon.hand_client_over(kAsk);
  read_until(asker.get(), "id: 1\n");
  const pid_t successor = successor_of(daemon);
  ASSERT_GT(successor, 0) << daemon.log();
  const UniqueFd follower = daemon.hand_client_over(kFollow);
  read_until(follower.get(), "id: 1\n");  // the successor has it
  EXPECT_THAT(answer_to(R"({"answer_id":"a","action":"stop","user_id":"v"})"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(answer_to(kStop), StartsWith("HTTP/1.1 204 "));
  for (const int browser : {asker.get(), follower.get()}) {
    EXPECT_THAT(read_to_end(browser), HasSubstr("data: {\"stopped\":true}\n\ndata: [DONE]\n\n"));
  }
  EXPECT_THAT(answer_to(kStop), StartsWith("HTTP/1.1 404 "));
  EXPECT_THAT(answer_to(kFollow), HasSubstr("data: {\"stopped\":true}"));
  end_both(successor);
}

TEST_F(KeptAnswersInAnUpgrade, BeginOnceThoughBothDaemonsAreAskedForThem) {
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd late = connect_to(daemon.socket());
  EXPECT_TRUE(is_whole(answer_to("{}"))) << "so the connection before was accepted";
  const pid_t successor = successor_of(daemon);
  ASSERT_GT(successor, 0) << daemon.log();
  const UniqueFd second = daemon.hand_client_over(kAsk);
  EXPECT_TRUE(is_whole(answer_to("{}")));
  auto [client, first] = socket_pair();
  ASSERT_TRUE(send_message(late.get(), kAsk, std::vector<int>{client.get()}));
  client.reset();
  const std::string whole = body(read_to_end(first.get()));
  EXPECT_THAT(whole, HasSubstr("id: 19\ndata: [DONE]\n\n"));
  EXPECT_EQ(body(read_to_end(second.get())), whole);
  end_both(successor);
  const std::string log = daemon.log(), line = "answer ended answer=a ";
  EXPECT_EQ(log.find(line), log.rfind(line)) << log;
}

TEST_F(KeptAnswersInAnUpgrade, AreFoundBehindTwoUpgrades) {
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string whole = body(answer_to(kAsk));
  const pid_t second = successor_of(daemon);
  ASSERT_GT(second, 0) << daemon.log();
  const pid_t third = successor_of(second, daemon);
  ASSERT_GT(third, 0) << daemon.log();
  EXPECT_EQ(body(answer_to(kFollow)), whole);
  EXPECT_EQ(body(answer_to(kAsk)), whole);
  EXPECT_THAT(answer_to(R"({"answer_id":"none","action":"follow"})"), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(answer_to(kStop), StartsWith("HTTP/1.1 404 "));
  kill(third, SIGTERM);
  EXPECT_EQ(daemon.exit_status(), 0) << "each ends when its successor has";
  EXPECT_EQ(end(second), 0);
  EXPECT_EQ(end(third), 0);
}

TEST_F(Upgrade, WaitsForTheAnswersThatAreStillKept) {
  DaemonProcess brief({"--delay", "1"});
  ASSERT_TRUE(brief.ready()) << brief.log();
  brief.write_config("[answers]\nkeep_ms = 300\n");
  brief.signal(SIGHUP);
  ASSERT_TRUE(brief.logs("answers.keep_ms has changed")) << brief.log();
  EXPECT_THAT(read_to_end(brief.hand_client_over(R"({"answer_id":"a"})").get()), HasSubstr("id: 19\n"));
  const pid_t successor = successor_of(brief);
  ASSERT_GT(successor, 0) << brief.log();
  EXPECT_EQ(brief.exit_status(), 0);
  EXPECT_EQ(end(successor), 0);
}

}  // namespace
}  // namespace streaming
