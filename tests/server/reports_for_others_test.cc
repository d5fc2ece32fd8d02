// SPDX-License-Identifier: Apache-2.0
// Reports of answers whose host has died, sent by the other one of two to a real hook.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "support/hook_server.h"
#include "support/two_hosts.h"

namespace streaming {
namespace {

using testing::HasSubstr;
using testing::Not;

class ReportsOfDeadHosts : public TwoHosts {
 protected:
  void SetUp() override {
    std::ofstream(directory.file("config")) << hook.settings("chat", "/ok");
    variables["DAEMON_REPORT_FOR_OTHERS"] = "true";
    start_here();
    start(there, {"--config", directory.file("config")});
  }
  void start_here() { start(here, {"--config", directory.file("config"), "--journal-dir", directory.file("journal")}); }
  void kill_here() {
    here->signal(SIGKILL);
    EXPECT_EQ(here->exit_status(), -1);
  }
  // The key by which hosts see who has the report.
  std::string reporter() const {
    const std::string keys = command("KEYS socket-handoff:report:*");
    const std::size_t key = keys.find("socket-handoff:");
    return key == std::string::npos ? "" : command("GET " + keys.substr(key, keys.find('\r', key) - key));
  }
  bool has_posts(std::size_t count) const {
    return eventually([&] { return hook.posts().size() >= count; });
  }

  TemporaryDirectory directory;
  HookServer hook;
};

constexpr const char* kReportedAnswer =
    R"({"answer_id":"a","user_id":"anna","prompt":"hello","on_end":"chat","on_end_data":{"row":9}})";

TEST_F(ReportsOfDeadHosts, ComeOnceFromAnotherHostWithTheTextThatTheStoreHas) {
  const UniqueFd asker = here->hand_client_over(kReportedAnswer);
  read_until(asker.get(), "id: 3\n");
  const UniqueFd follower = there->hand_client_over(R"({"answer_id":"a","action":"follow","user_id":"anna"})");
  const std::string stored = read_until(follower.get(), "id: 3\n");
  kill_here();
  ASSERT_TRUE(has_posts(1)) << there->log();
  const HookServer::Post post = std::move(hook.posts().front());
  ASSERT_TRUE(post.json.IsObject()) << post.report;
  EXPECT_EQ(post.text("cause"), "cut");
  EXPECT_EQ(post.text("answer_id"), "a");
  EXPECT_EQ(post.text("user_id"), "anna");
  EXPECT_EQ(post.json["data"]["row"].GetInt(), 9);
  EXPECT_NE(post.text("text"), "");
  EXPECT_TRUE(there->logs("answer a, whose host has died, is reported to hook chat")) << there->log();
  ASSERT_TRUE(eventually([&] { return reporter() == "$8\r\nreported\r\n"; })) << reporter();
  // Nor does its own host report it when that is back.
  start_here();
  EXPECT_TRUE(here->logs("was sent by another host")) << here->log();
  EXPECT_EQ(hook.posts().size(), 1u);
}

TEST_F(ReportsOfDeadHosts, ComeFromTheAnswersOwnHostIfThatIsBackInTime) {
  const UniqueFd asker = here->hand_client_over(kReportedAnswer);
  read_until(asker.get(), "id: 3\n");
  kill_here();
  start_here();
  ASSERT_TRUE(has_posts(1)) << here->log();
  EXPECT_EQ(hook.posts().front().text("cause"), "cut");
  EXPECT_EQ(reporter(), "$3\r\nown\r\n");
  // The other host sees that, and forgets the answer.
  ASSERT_TRUE(eventually([&] { return command("KEYS socket-handoff:worker:*:reports") == "*0\r\n"; }));
  EXPECT_EQ(hook.posts().size(), 1u);
  EXPECT_THAT(there->log(), Not(HasSubstr("whose host has died")));
}

TEST_F(ReportsOfDeadHosts, AreNotTakenForTheWholeReportOfAHostThatWasOnlySilent) {
  const UniqueFd asker = here->hand_client_over(kReportedAnswer);
  read_until(asker.get(), "id: 3\n");
  here->signal(SIGSTOP);
  ASSERT_TRUE(has_posts(1)) << there->log();
  here->signal(SIGCONT);
  ASSERT_TRUE(has_posts(2)) << here->log();
  const std::vector<HookServer::Post> posts = hook.posts();
  EXPECT_EQ(posts[0].text("cause"), "cut");
  EXPECT_EQ(posts[1].text("cause"), "completed");
  EXPECT_NE(posts[0].id, posts[1].id);
  EXPECT_EQ(posts[0].text("started_at"), posts[1].text("started_at"));
  EXPECT_TRUE(posts[1].text("text").starts_with(posts[0].text("text")));
}

// Whoever can write to the store can have reports sent, and must not be able to end the daemon that sends them.
TEST_F(ReportsOfDeadHosts, AreNotSentIfTheirBeginningIsNoneOfAReport) {
  start(there, {"--config", directory.file("config"), "--journal-dir", directory.file("another")});
  const auto forge = [this](const std::string& id, const std::string& beginning) {
    const std::string key = "socket-handoff:{" + id + "}:";
    command("HSET " + key + "answer run r owner dead format content hook chat report msg_" + std::string(31, '0') + id);
    command("EVAL \"redis.call('HSET',KEYS[1],'beginning'," + beginning + ")\" 1 " + key + "answer");
    command("EVAL \"redis.call('XADD',KEYS[1],'0-1','first','1','frames','data: {\\\"content\\\":\\\"'..string.rep('x',9000)..'"
            "\\\"}'..string.char(10,10))\" 1 " + key + "events:r");
    command("SADD socket-handoff:worker:dead:reports " + id);
  };
  forge("1", "'{\\\"a\\\":\\\"'..string.rep('x',16*1024*1024-4096)..'\\\"'");
  forge("2", "'{'");
  forge("3", "'{\\\"a\\\":1}'..string.char(0)");
  command("SADD socket-handoff:workers dead");
  EXPECT_TRUE(eventually([this] { return command("EXISTS socket-handoff:worker:dead:reports") == ":0\r\n"; }))
      << there->log();
  EXPECT_THAT(answer_of(*there, R"({"prompt":"hello"})"), HasSubstr("[DONE]")) << there->log();
  EXPECT_THAT(hook.posts(), testing::IsEmpty());
}

TEST_F(ReportsOfDeadHosts, LeaveNothingOfAnAnswerThatHasEndedInTheStore) {
  read_to_end(here->hand_client_over(kReportedAnswer).get());
  ASSERT_TRUE(eventually([&] { return command("HGET socket-handoff:{a}:answer cause") == "$9\r\ncompleted\r\n"; }));
  ASSERT_TRUE(eventually([&] { return command("KEYS socket-handoff:worker:*:reports") == "*0\r\n"; }));
  EXPECT_EQ(command("HGET socket-handoff:{a}:answer beginning"), "$-1\r\n");
  EXPECT_EQ(command("HGET socket-handoff:{a}:answer hook"), "$-1\r\n");
}

}  // namespace
}  // namespace streaming
