// SPDX-License-Identifier: Apache-2.0
// Reports of ended answers, from the real daemon to a real hook, which verifies them by npm's standardwebhooks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "support/daemon_process.h"
#include "support/hook_server.h"
#include "support/upgrade.h"

namespace streaming {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The texts of all events of format `content`, joined.
std::string text_of_answer(const std::string& answer) {
  constexpr std::string_view kFrame = "data: {\"content\":", kFrameEnd = "}\n\n";
  std::string text;
  for (std::size_t at = answer.find(kFrame); at != std::string::npos; at = answer.find(kFrame, at)) {
    at += kFrame.size();
    rapidjson::Document piece;
    piece.Parse(answer.substr(at, answer.find(kFrameEnd, at) - at).c_str());
    text += piece.GetString();
  }
  return text;
}

class ReportsTest : public Upgrade {
 protected:
  // A daemon whose hook `chat` has that path.
  void start(const std::string& path, const std::string& more_settings = "",
             const std::vector<std::string>& flags = {"--delay", "1"}) {
    configure(path, more_settings);
    std::vector<std::string> all{"--config", config_path()};
    all.insert(all.end(), flags.begin(), flags.end());
    daemon.emplace(all);
    ASSERT_TRUE(daemon->ready()) << daemon->log();
  }
  // Likewise, with a journal, which all of them share.
  void start_with_journal(const std::string& path, const std::string& delay_ms = "1") {
    start(path, "", {"--delay", delay_ms, "--journal-dir", journal.file("answers")});
  }
  // Without the time for anything.
  void kill_daemon() {
    daemon->signal(SIGKILL);
    EXPECT_EQ(daemon->exit_status(), -1);
  }
  // The directories of processes that have something there.
  std::size_t journals() const {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(journal.file("answers"))) {
      count += entry.path().filename().string().starts_with("process.");
    }
    return count;
  }
  void configure(const std::string& path, const std::string& more_settings = "") const {
    std::ofstream(config_path()) << hook.settings("chat", path) << more_settings;
  }
  std::string config_path() const { return journal.file("config.toml"); }
  std::string ask(const std::string& fields) {
    return read_to_end(daemon->hand_client_over("{\"on_end\":\"chat\"" + fields + "}").get());
  }
  bool journal_has(const std::string& text) const {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(journal.file("answers"))) {
      std::ostringstream contents;
      contents << std::ifstream(entry.path()).rdbuf();
      if (contents.str().find(text) != std::string::npos) return true;
    }
    return false;
  }
  bool has(std::size_t posts) const {
    return eventually([&] { return hook.posts().size() >= posts; });
  }

  TemporaryDirectory journal;
  HookServer hook;
  std::optional<DaemonProcess> daemon;
};

TEST_F(ReportsTest, ReportsAnAnswerSignedToItsHook) {
  start("/ok");
  const std::string answer = ask(R"(,"answer_id":"a-1","request_id":"r-1","user_id":7,"on_end_data":{"row":9})");
  ASSERT_TRUE(has(1)) << daemon->log();
  const HookServer::Post post = std::move(hook.posts().front());
  ASSERT_TRUE(post.json.IsObject()) << post.report;
  EXPECT_THAT(post.id, StartsWith("msg_"));
  EXPECT_EQ(post.text("type"), "answer.ended");
  EXPECT_EQ(post.text("answer_id"), "a-1");
  EXPECT_EQ(post.text("request_id"), "r-1");
  EXPECT_EQ(post.text("user_id"), "7");
  EXPECT_EQ(post.text("backend"), "mock");
  EXPECT_EQ(post.text("cause"), "completed");
  EXPECT_EQ(post.text("finish_reason"), "stop");
  EXPECT_EQ(post.text("text"), text_of_answer(answer));
  EXPECT_EQ(post.json["data"]["row"].GetInt(), 9);
  EXPECT_TRUE(post.json["client_has_end"].GetBool());
  EXPECT_EQ(daemon->stop(), 0);
  EXPECT_THAT(daemon->log(), Not(HasSubstr("whsec_")));
  EXPECT_THAT(daemon->log(), Not(HasSubstr("MfKQ")));
}

TEST_F(ReportsTest, ReportsTheWholeAnswerOfAClientThatHasLeft) {
  start("/ok");
  daemon->hand_client_over(R"({"on_end":"chat"})").reset();
  daemon->hand_client_over(R"({"on_end":"chat","on_disconnect":"cancel"})").reset();
  ASSERT_TRUE(has(2)) << daemon->log();
  const std::string whole = text_of_answer(ask(""));
  for (const HookServer::Post& post : hook.posts()) {
    if (post.text("cause") == "completed") {
      EXPECT_EQ(post.text("text"), whole);
    } else {
      EXPECT_EQ(post.text("cause"), "client_gone");
    }
  }
}

TEST_F(ReportsTest, SendsAReportAgainThatTheHookHasNotTaken) {
  start("/fail/1");
  ask("");
  ASSERT_TRUE(has(2)) << daemon->log();
  const std::vector<HookServer::Post> posts = hook.posts();
  EXPECT_EQ(posts[0].status, 500);
  EXPECT_EQ(posts[1].status, 204);
  EXPECT_EQ(posts[0].id, posts[1].id);
  EXPECT_TRUE(daemon->logs("hook chat has not taken 1 reports")) << daemon->log();
}

TEST_F(ReportsTest, DeliversTheReportsOfTheLastAnswersBeforeItEnds) {
  start("/ok");
  const UniqueFd browser = daemon->hand_client_over(R"({"on_end":"chat","answer_id":"last"})");
  read_some(browser.get());
  daemon->signal(SIGTERM);
  read_to_end(browser.get());
  EXPECT_EQ(daemon->exit_status(), 0);
  ASSERT_EQ(hook.posts().size(), 1u);
  EXPECT_EQ(hook.posts().front().text("answer_id"), "last");
}

TEST_F(ReportsTest, EndsThoughAHookIsSilent) {
  start("/hang/9", "timeout_ms = 200\n");
  ask("");
  ASSERT_TRUE(has(1));
  daemon->signal(SIGTERM);
  ASSERT_TRUE(daemon->logs("signal 15"));
  EXPECT_NE(daemon->exit_status(), -1);
  EXPECT_THAT(daemon->log(), HasSubstr("1 reports of answers are lost: the daemon ends"));
}

TEST_F(ReportsTest, DeliversAfterAKillWhatWasWaiting) {
  start_with_journal("/fail/1");
  const std::string answer = ask(R"(,"answer_id":"a-1","on_end_data":[1])");
  ASSERT_TRUE(has(1)) << daemon->log();
  kill_daemon();
  start_with_journal("/ok");
  ASSERT_TRUE(has(2)) << daemon->log();
  const std::vector<HookServer::Post> posts = hook.posts();
  EXPECT_EQ(posts[0].id, posts[1].id);
  EXPECT_EQ(posts[1].text("answer_id"), "a-1");
  EXPECT_EQ(posts[1].text("text"), text_of_answer(answer));
  EXPECT_EQ(posts[1].text("cause"), "completed");
  EXPECT_EQ(posts[1].json["data"][0].GetInt(), 1);
  EXPECT_TRUE(eventually([&] { return journals() == 1; })) << "what the killed one has left is removed";
}

TEST_F(ReportsTest, ReportsAnAnswerAsCutThatRanWhenTheDaemonWasKilled) {
  start_with_journal("/ok", "100");
  const UniqueFd browser = daemon->hand_client_over(R"({"on_end":"chat","answer_id":"a-2"})");
  const std::string seen = read_until(browser.get(), "mock backend. ");
  ASSERT_TRUE(eventually([&] { return journal_has("mock backend. "); })) << "text stays half a second in memory";
  kill_daemon();
  start_with_journal("/ok");
  ASSERT_TRUE(has(1)) << daemon->log();
  const HookServer::Post post = std::move(hook.posts().front());
  EXPECT_EQ(post.text("answer_id"), "a-2");
  EXPECT_EQ(post.text("cause"), "cut");
  EXPECT_THAT(post.text("text"), StartsWith(text_of_answer(seen)));
  EXPECT_FALSE(post.json.HasMember("client_has_end"));
  EXPECT_FALSE(post.json.HasMember("usage"));
  EXPECT_TRUE(daemon->logs("1 reports of answers that another process has left are delivered; 1 of the answers"));
}

TEST_F(ReportsTest, GoesOnWhileItReadsWhatAnotherProcessHasLeft) {
  const std::string left = journal.file("answers/process.killed");
  std::filesystem::create_directories(left);
  std::ofstream(left + "/lock");
  const std::string file = left + "/0.answers.0";
  ASSERT_EQ(mkfifo(file.c_str(), 0600), 0);  // as slow as a disk can be
  start_with_journal("/ok");
  ask("");
  EXPECT_TRUE(has(1));
  daemon->signal(SIGHUP);
  EXPECT_TRUE(daemon->logs("reload: nothing has changed")) << daemon->log();
  const UniqueFd disk(open(file.c_str(), O_WRONLY));
  EXPECT_EQ(daemon->stop(), 0);
}

TEST_F(ReportsTest, LeavesWhatAHookDoesNotTakeToTheNextStart) {
  start_with_journal("/gone");
  ask("");
  ASSERT_TRUE(has(1)) << daemon->log();
  EXPECT_EQ(daemon->stop(), 0);
  EXPECT_THAT(daemon->log(), HasSubstr("1 reports of answers wait in the journal for the next start"));
  start_with_journal("/ok");
  ASSERT_TRUE(has(2)) << daemon->log();
  EXPECT_EQ(hook.posts()[0].id, hook.posts()[1].id);
  EXPECT_EQ(daemon->stop(), 0);
  start_with_journal("/ok");
  ask("");
  ASSERT_TRUE(has(3));
  EXPECT_NE(hook.posts()[2].id, hook.posts()[1].id) << "what was delivered is not delivered again";
}

TEST_F(ReportsTest, HandsWhatWaitsOverToItsSuccessor) {
  start_with_journal("/gone");
  ask("");
  ASSERT_TRUE(has(1)) << daemon->log();
  configure("/ok");
  const pid_t successor = successor_of(*daemon);
  ASSERT_GT(successor, 0) << daemon->log();
  EXPECT_TRUE(has(2)) << daemon->log();
  EXPECT_EQ(hook.posts()[0].id, hook.posts()[1].id);
  EXPECT_EQ(hook.posts()[1].status, 204);
  EXPECT_EQ(daemon->exit_status(), 0);
  EXPECT_EQ(end(successor), 0);
}

TEST_F(ReportsTest, AnswersGoOnWithoutAJournalThatIsFull) {
  start("/ok", "[answers]\nmax_journal_bytes = 1\n", {"--delay", "1", "--journal-dir", journal.file("answers")});
  for (int i = 1; i <= 3; ++i) {
    EXPECT_THAT(ask(""), HasSubstr("[DONE]"));
    EXPECT_TRUE(has(static_cast<std::size_t>(i))) << "the reports are in memory";
  }
  EXPECT_TRUE(daemon->logs("the journal of answers is not written: its files have reached answers.max_journal_bytes"));
}

TEST_F(ReportsTest, RefusesAnUnknownHook) {
  start("/ok");
  const std::string answer = read_to_end(daemon->hand_client_over(R"({"on_end":"chta"})").get());
  EXPECT_THAT(answer, AllOf(StartsWith("HTTP/1.1 400 "), HasSubstr("on_end names an unknown hook")));
}

}  // namespace
}  // namespace streaming
