// SPDX-License-Identifier: Apache-2.0
// The daemon with the backend `langgraph` against LangGraph's own server (tests/servers/langgraph).

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidjson/document.h>

#include <fstream>
#include <optional>
#include <string>

#include "support/daemon_process.h"
#include "support/langgraph_server.h"
#include "support/nginx.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kProfile[] = "[backend.langgraph.profiles.broken]\nassistant_id = \"no-such-assistant\"\n";

// The id of a thread that no other test of this process has.
std::string new_thread() {
  static int number = 0;
  return "6f9619ff-8b86-4011-b42d-" + std::to_string(100'000'000'000 + ++number);
}

class LangGraphEndToEndTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(server.ready());
    std::ofstream(settings()) << kProfile;
    daemon.emplace(
        std::vector<std::string>{"--backend", "langgraph", "--langgraph-base", server.base(), "--config", settings()});
    ASSERT_TRUE(daemon->ready()) << daemon->log();
  }

  std::string settings() const { return directory.file("settings.toml"); }

  // The answer's events, from the first on.
  std::string ask(const std::string& payload) const {
    const std::string answer = read_to_end(daemon->hand_client_over(payload).get());
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    const std::size_t head = answer.find(":\n\n");
    return head == std::string::npos ? "" : answer.substr(head + 3);
  }

  // The text of a complete answer in format content.
  std::string text_of(const std::string& events) const {
    EXPECT_THAT(events, EndsWith("data: [DONE]\n\n"));
    constexpr std::string_view kData = "data: ";
    std::string text;
    for (std::size_t at = events.find(kData); at != std::string::npos; at = events.find(kData, at + 1)) {
      const std::size_t begin = at + kData.size();
      rapidjson::Document event;
      event.Parse(events.substr(begin, events.find('\n', begin) - begin).c_str());
      if (event.IsObject() && event.HasMember("content")) text += event["content"].GetString();
    }
    return text;
  }

  // A client that has received the first words of a long answer.
  UniqueFd begin_slowly(const std::string& more) const {
    UniqueFd browser = daemon->hand_client_over(R"({"prompt":"slowly",)" + more + "}");
    read_until(browser.get(), "content");
    return browser;
  }

  // The statuses of the thread's runs.
  std::string runs() const { return server.get("/threads/" + thread + "/runs"); }

  TemporaryDirectory directory;
  const LangGraphServer& server = LangGraphServer::shared();
  const std::string thread = new_thread();
  std::optional<DaemonProcess> daemon;
};

TEST_F(LangGraphEndToEndTest, StreamsTextInEitherModeOfMessages) {
  for (const char* mode : {"\"messages-tuple\"", "\"messages\"", R"(["messages","messages-tuple","values"])"}) {
    const std::string events = ask(std::string(R"({"prompt":"hello","stream_mode":)") + mode + "}");
    EXPECT_EQ(text_of(events), "You said: hello é😀") << mode;
    EXPECT_THAT(events, StartsWith("data: {\"content\":\"Y\"}\n\ndata: {\"content\":\"o\"}\n\n")) << mode;
  }
}

TEST_F(LangGraphEndToEndTest, TakesNoToolsMessageForText) {
  EXPECT_EQ(text_of(ask(R"({"prompt":"use a tool"})")), "used");
}

TEST_F(LangGraphEndToEndTest, RemembersOnAThreadWhatWasSaid) {
  const std::string on_thread = R"("thread_id":")" + thread + "\"";
  EXPECT_EQ(text_of(ask(R"({"prompt":"one",)" + on_thread + "}")), "You said: one é😀");
  // In mode messages the server repeats the thread's messages first.
  EXPECT_EQ(text_of(ask(R"({"prompt":"two","stream_mode":"messages",)" + on_thread + "}")), "You said: one, two é😀");
  EXPECT_EQ(text_of(ask(R"({"prompt":"three","lg":{"t":")" + thread + "\"}}")),
            "You said: one, two, three é😀");
}

TEST_F(LangGraphEndToEndTest, CancelsTheRunWhenTheClientLeaves) {
  const std::string payload = R"({"prompt":"slowly","thread_id":")" + thread + "\"}";
  UniqueFd browser = daemon->hand_client_over(payload);
  read_until(browser.get(), "content");
  EXPECT_THAT(runs(), HasSubstr("\"running\""));
  browser.reset();
  EXPECT_TRUE(eventually([this] {
    // The server reports an error if the graph notices the interruption first.
    const std::string all = runs();
    return all.find("\"interrupted\"") != std::string::npos || all.find("\"status\": \"error\"") != std::string::npos;
  })) << runs();
  EXPECT_EQ(daemon->stop(), 0);
  EXPECT_THAT(daemon->log(), Not(HasSubstr("could not be cancelled")));
}

// nginx keeps its connection to the server when the client's has ended, so on_disconnect has no effect.
TEST_F(LangGraphEndToEndTest, CancelsTheRunAlsoBehindAProxyThatHidesThatTheClientHasLeft) {
  const Nginx nginx(server.base(), "proxy_ignore_client_abort on;");
  daemon.emplace(std::vector<std::string>{"--backend", "langgraph", "--langgraph-base", nginx.origin(), "--ca-file",
                                          nginx.authority().authority()});
  ASSERT_TRUE(daemon->ready()) << daemon->log();
  UniqueFd browser = begin_slowly("\"thread_id\":\"" + thread + "\"");
  EXPECT_THAT(runs(), HasSubstr("\"running\""));
  browser.reset();
  EXPECT_TRUE(eventually([this] { return runs().find("\"running\"") == std::string::npos; })) << runs();
  EXPECT_EQ(daemon->stop(), 0);
  EXPECT_THAT(daemon->log(), Not(HasSubstr("could not be cancelled")));
}

TEST_F(LangGraphEndToEndTest, LetsTheRunGoOnWithoutTheClientWhereAsked) {
  const std::string payload =
      R"({"prompt":"slowly","on_disconnect":"continue","thread_id":")" + thread + "\"}";
  UniqueFd browser = daemon->hand_client_over(payload);
  read_until(browser.get(), "content");
  browser.reset();
  // Also when the daemon ends.
  daemon->signal(SIGTERM);
  EXPECT_TRUE(eventually([this] { return daemon->log().find("signal 15") != std::string::npos; }));
  daemon->signal(SIGTERM);
  daemon->exit_status();
  EXPECT_THAT(runs(), HasSubstr("\"running\""));
}

TEST_F(LangGraphEndToEndTest, PassesTheRunsOtherEventsOnInFormatRaw) {
  const std::string events =
      ask(R"({"prompt":"report","format":"raw","stream_mode":["messages-tuple","custom","updates"]})");
  EXPECT_THAT(events, StartsWith("event: metadata\ndata: {\n"));
  EXPECT_THAT(events, HasSubstr("event: custom\ndata: {\ndata:   \"progress\": 50\ndata: }\n"));
  EXPECT_THAT(events, HasSubstr("event: messages\ndata: [\n"));
  EXPECT_THAT(events, HasSubstr("event: updates\ndata: {\ndata:   \"answer\""));
}

TEST_F(LangGraphEndToEndTest, ShowsFailuresAsErrorsWithoutTheServersWords) {
  for (const char* payload : {R"({"prompt":"fail"})", R"({"prompt":"x","assistant_id":"no-such-assistant"})",
                              R"({"prompt":"x","thread_id":"no-uuid"})", R"({"prompt":"x","profile":"broken"})"}) {
    const std::string events = ask(payload);
    EXPECT_THAT(events, HasSubstr("data: {\"error\":\"")) << payload;
    EXPECT_THAT(events, Not(HasSubstr("[DONE]"))) << payload;
    EXPECT_THAT(events, Not(HasSubstr("secret"))) << payload;
  }
}

TEST_F(LangGraphEndToEndTest, RefusesAnUnknownProfileBeforeTheStream) {
  const std::string answer = read_to_end(daemon->hand_client_over(R"({"profile":"none"})").get());
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
}

}  // namespace
}  // namespace streaming
