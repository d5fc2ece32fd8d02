// SPDX-License-Identifier: Apache-2.0
// The daemon with the backend `openai` against an independent server (tests/servers/aimock).

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "support/daemon_process.h"
#include "support/upstream_server.h"

namespace streaming {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// The server has signed its certificate itself.
void set_key_and_trust_any_certificate() {
  setenv("OPENAI_API_KEY", kKey, 1);
  setenv("OPENAI_INSECURE_SSL", "true", 1);
}

class OpenAiEndToEndTest : public testing::TestWithParam<UpstreamServer::Protocol> {
 protected:
  void SetUp() override {
    ASSERT_TRUE(upstream.ready());
    ASSERT_TRUE(daemon.ready()) << daemon.log();
  }

  UniqueFd begin(const std::string& prompt) const {
    return daemon.hand_client_over("{\"prompt\":\"" + prompt + "\"}");
  }
  std::string ask(const std::string& prompt) const { return events_of(begin(prompt)); }
  // The answer's events, from the first on.
  static std::string events_of(const UniqueFd& browser) {
    const std::string answer = read_to_end(browser.get());
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    const std::size_t first = answer.find("data: ");
    return first == std::string::npos ? "" : answer.substr(first);
  }

  const UpstreamServer& upstream = UpstreamServer::shared(GetParam());
  DaemonProcess daemon{{"--backend", "openai", "--openai-base", upstream.base(), "--first-byte-timeout-ms", "2000",
                        "--idle-timeout-ms", "2000"},
                       set_key_and_trust_any_certificate};
};

TEST_P(OpenAiEndToEndTest, StreamsTheAnswerPieceByPiece) {
  EXPECT_EQ(ask("plain answer"),
            "data: {\"content\":\"Hello \"}\n\ndata: {\"content\":\"from t\"}\n\ndata: {\"content\":\"he ups\"}\n\n"
            "data: {\"content\":\"tream.\"}\n\ndata: [DONE]\n\n");
}

TEST_P(OpenAiEndToEndTest, BringsEveryCharacterThrough) {
  EXPECT_THAT(
      ask("special characters"),
      StartsWith(R"(data: {"content":"She said \"hi\" \\ and left.\nA line\r\nand another,\ta tab, a \u0001 and a )"
                 "\x7f, é, 漢字, 😀, 👩‍👩‍👧, 𝄞, \xE2\x80\xA8, </script> & data: "
                 "[DONE]\\n\\n\\\"content\\\":\\\"trap\\\"\"}\n\n"));
}

TEST_P(OpenAiEndToEndTest, BringsAnEventOfAHundredThousandBytesThrough) {
  EXPECT_EQ(ask("huge event"), "data: {\"content\":\"" + std::string(100'000, 'x') + "\"}\n\ndata: [DONE]\n\n");
}

TEST_P(OpenAiEndToEndTest, LosesNoneOfAThousandEvents) {
  std::string expected;
  for (int number = 0; number < 1000; ++number) {
    char event[64];
    std::snprintf(event, sizeof event, "data: {\"content\":\"%03d \"}\n\n", number);
    expected += event;
  }
  EXPECT_EQ(ask("long answer"), expected + "data: [DONE]\n\n");
}

TEST_P(OpenAiEndToEndTest, EndsAnEmptyAnswerWell) {
  EXPECT_EQ(ask("empty answer"), "data: [DONE]\n\n");
}

TEST_P(OpenAiEndToEndTest, ShowsEveryFailureAsAnErrorAndNeverAsAGoodEnd) {
  std::vector<std::pair<const char*, UniqueFd>> browsers;
  for (const char* prompt : {"bad key", "rate limited", "server error", "malformed answer", "no answer", "cut short",
                             "falls silent", "never begins"}) {
    browsers.emplace_back(prompt, begin(prompt));
  }
  for (const auto& [prompt, browser] : browsers) {
    const std::string events = events_of(browser);
    EXPECT_THAT(events, HasSubstr("data: {\"error\":\"")) << prompt;
    EXPECT_THAT(events, EndsWith("}\n\n")) << prompt;
    EXPECT_THAT(events, Not(HasSubstr("[DONE]"))) << prompt;
    EXPECT_THAT(events, Not(HasSubstr("sk-"))) << prompt;
    EXPECT_THAT(events, Not(HasSubstr("127.0.0.1"))) << prompt;
  }
  browsers.clear();
  daemon.stop();  // all of the log is written
  EXPECT_THAT(daemon.log(), HasSubstr("upstream_status: status 401"));
  EXPECT_THAT(daemon.log(), HasSubstr("upstream_status: status 429"));
  EXPECT_THAT(daemon.log(), Not(HasSubstr(kKey)));
  EXPECT_THAT(daemon.log(), Not(HasSubstr("never begins"))) << "a prompt is in the log";
}

TEST_P(OpenAiEndToEndTest, KeepsWhatCameBeforeTheAnswerBrokeOff) {
  EXPECT_THAT(ask("cut short"), StartsWith("data: {\"content\":\"This \"}\n\n"));
}

TEST_P(OpenAiEndToEndTest, SaysSoWhenTheServerCannotBeReached) {
  UpstreamServer gone(GetParam());
  DaemonProcess other({"--backend", "openai", "--openai-base", gone.base()}, set_key_and_trust_any_certificate);
  ASSERT_TRUE(gone.ready() && other.ready()) << other.log();
  gone.stop();
  EXPECT_THAT(events_of(other.hand_client_over(R"({"prompt":"plain answer"})")),
              HasSubstr("data: {\"error\":\"The model cannot be reached.\",\"code\":\"upstream_unreachable\"}"));
  EXPECT_EQ(other.stop(), 0);
}

std::string protocol_name(const testing::TestParamInfo<UpstreamServer::Protocol>& parameter) {
  return parameter.param == UpstreamServer::Protocol::kHttp1 ? "Http1" : "Http2";
}

const auto kProtocols = testing::Values(UpstreamServer::Protocol::kHttp1, UpstreamServer::Protocol::kHttp2OverTls);

INSTANTIATE_TEST_SUITE_P(Over, OpenAiEndToEndTest, kProtocols, protocol_name);

// A connection carries at most 100 streams, so the others need further connections. On a slow machine these take time,
// so the test sets no limit of time.
class ManyStreamsTest : public testing::TestWithParam<UpstreamServer::Protocol> {
 protected:
  UpstreamServer upstream{GetParam()};
  DaemonProcess daemon{{"--backend", "openai", "--openai-base", upstream.base()},
                       [] { setenv("OPENAI_INSECURE_SSL", "true", 1); }};
};

TEST_P(ManyStreamsTest, GetMoreConnectionsThanOneWhereOneIsFull) {
  ASSERT_TRUE(upstream.ready());
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::vector<UniqueFd> browsers;
  for (int i = 0; i < 250; ++i) browsers.push_back(daemon.hand_client_over(R"({"prompt":"slow answer"})"));
  int whole = 0;
  for (const UniqueFd& browser : browsers) {
    const std::string answer = read_to_end(browser.get());
    whole += answer.ends_with("data: [DONE]\n\n") && answer.find("One w") != std::string::npos;
  }
  EXPECT_EQ(whole, 250);
}

INSTANTIATE_TEST_SUITE_P(Over, ManyStreamsTest, kProtocols, protocol_name);

TEST(HeldHead, LetsAFailureBeforeTheFirstEventBeAStatus) {
  UpstreamServer upstream;
  DaemonProcess daemon({"--backend", "openai", "--openai-base", upstream.base(), "--first-byte-timeout-ms", "1000"}, [] {
    setenv("OPENAI_API_KEY", kKey, 1);
    setenv("DAEMON_RESPONSE_EARLY_HEAD", "false", 1);
  });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const auto begin = [&](const std::string& prompt, const char* format) {
    return daemon.hand_client_over("{\"prompt\":\"" + prompt + "\",\"format\":\"" + format + "\"}");
  };
  constexpr const char* kEveryFormat[] = {"content", "raw", "ui-message"};
  std::vector<UniqueFd> waiting;
  for (const char* format : kEveryFormat) waiting.push_back(begin("never begins", format));
  for (const char* format : kEveryFormat) {
    const auto ask = [&](const std::string& prompt) { return read_to_end(begin(prompt, format).get()); };
    const std::string limited = ask("rate limited");
    EXPECT_THAT(limited, StartsWith("HTTP/1.1 429 Too Many Requests\r\n"));
    EXPECT_THAT(limited, HasSubstr("\r\nContent-Type: application/json\r\n"));
    EXPECT_THAT(limited, HasSubstr("\r\nRetry-After: 7\r\n"));
    EXPECT_THAT(limited, EndsWith("\"code\":\"upstream_busy\",\"retry_after\":7}\n"));
    EXPECT_THAT(ask("bad key"), AllOf(StartsWith("HTTP/1.1 502 "), Not(HasSubstr("sk-"))));
    EXPECT_THAT(ask("server error"), StartsWith("HTTP/1.1 502 "));
    EXPECT_THAT(ask("no answer"), StartsWith("HTTP/1.1 502 "));
    EXPECT_THAT(ask("plain answer"), StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(ask("cut short"), AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("The answer broke off.")));
  }
  for (const UniqueFd& browser : waiting) EXPECT_THAT(read_to_end(browser.get()), StartsWith("HTTP/1.1 504 "));
}

TEST(Fallback, AnswersByTheNextBackendWhenTheFirstFails) {
  UpstreamServer upstream;
  const auto flags_with = [&](const char* try_timeout_ms) {
    return std::vector<std::string>{"--backend", "openai", "--openai-base", upstream.base(), "--fallback", "mock",
                                    "--retries", "1", "--delay", "1", "--try-timeout-ms", try_timeout_ms};
  };
  DaemonProcess daemon(flags_with("30000")), impatient(flags_with("200"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  ASSERT_TRUE(impatient.ready()) << impatient.log();
  std::vector<std::pair<std::string, UniqueFd>> browsers;
  for (const char* prompt : {"bad key", "server error", "no answer"}) {
    browsers.emplace_back(prompt, daemon.hand_client_over(std::string("{\"prompt\":\"") + prompt + "\"}"));
  }
  browsers.emplace_back("never begins", impatient.hand_client_over(R"({"prompt":"never begins"})"));
  for (const auto& [prompt, browser] : browsers) {
    const std::string answer = read_to_end(browser.get());
    EXPECT_THAT(answer, HasSubstr("You said: " + prompt));
    EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n"));
    EXPECT_THAT(answer, Not(HasSubstr("error\""))) << prompt;
  }
  browsers.clear();
  const std::string cut = read_to_end(daemon.hand_client_over(R"({"prompt":"cut short"})").get());
  EXPECT_THAT(cut, HasSubstr("The answer broke off.")) << "the client has heard the first";
  daemon.stop();  // all of the log is written
  const std::string log = daemon.log();
  EXPECT_THAT(log, HasSubstr(": backend openai: status 500; trying openai in "));
  std::smatch tried;
  ASSERT_TRUE(std::regex_search(
      log, tried, std::regex(" stream ([0-9]+\\.[0-9]+\\.[0-9]+): backend openai: status 401; trying mock in 0 ms")))
      << log;
  EXPECT_THAT(log, HasSubstr("stream ended stream=" + tried.str(1) + " ")) << "the same stream by the same name";
}

TEST(Fallback, OfABackendThatDoesNotExistIsAnErrorAtStart) {
  DaemonProcess daemon({"--fallback", "mock,nope"});
  EXPECT_EQ(daemon.exit_status(), 1);
  EXPECT_THAT(
      daemon.log(),
      HasSubstr("--fallback must be a list of some of mock, openai, anthropic, langgraph, typing, hold, not "
                "\"mock,nope\""));
}

class CertificateTest : public testing::Test {
 protected:
  std::string ask_with(const char* variable, const char* value) {
    DaemonProcess daemon({"--backend", "openai", "--openai-base", upstream.base()},
                         [=] { setenv(variable, value, 1); });
    EXPECT_TRUE(daemon.ready()) << daemon.log();
    return read_to_end(daemon.hand_client_over(R"({"prompt":"plain answer"})").get());
  }

  UpstreamServer upstream{UpstreamServer::Protocol::kHttp2OverTls};
};

TEST_F(CertificateTest, VerifiesTheServersCertificateByDefault) {
  EXPECT_THAT(ask_with("OPENAI_API_KEY", kKey),
              HasSubstr("data: {\"error\":\"The model cannot be reached.\",\"code\":\"upstream_unreachable\"}"));
  EXPECT_THAT(ask_with("OPENAI_INSECURE_SSL", "true"), EndsWith("data: [DONE]\n\n"));
}

}  // namespace
}  // namespace streaming
