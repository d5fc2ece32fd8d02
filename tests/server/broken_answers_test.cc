// SPDX-License-Identifier: Apache-2.0
// Servers that break, for each API and over both engines: the client learns that the answer is incomplete, but never
// the server's own message, and each case is counted and logged with its cause.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "support/http_get.h"
#include "support/scripted_apis.h"

namespace streaming {
namespace {

using testing::AllOf;
using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Answer = ScriptedServer::Answer;

const ScriptedServer::Answer::Headers kEventStreamType{{"content-type", "text/event-stream"}};
const std::string kHtml = "<html><body>sk-of-the-vendor at http://internal.example</body></html>";

// Without meaning in all of the APIs.
std::string other_event(std::size_t size) {
  return "event: other\ndata: {\"type\":\"other\",\"pad\":\"" + std::string(size, 'x') + "\"}\n\n";
}

struct BrokenAnswer {
  const char* prompt;
  const char* message;
  const char* cause;
};
constexpr const char* kFormats[] = {"content", "raw", "ui-message"};
constexpr BrokenAnswer kBrokenAnswers[] = {
    {"breaks off", "The answer broke off.", "upstream_truncated"},
    {"falls silent", "The model fell silent.", "idle_timeout"},
    {"never begins", "The model did not answer in time.", "first_byte_timeout"},
    {"head alone", "The model did not answer in time.", "first_byte_timeout"},
    {"status alone", "The model is busy, try again soon.", "upstream_status"},
    {"page for 429", "The model is busy, try again soon.", "upstream_status"},
    {"page for 200", "The model's answer cannot be read.", "upstream_malformed"},
    {"huge 500", "The model failed.", "upstream_status"},
    {"huge event", "The model's answer is too large.", "upstream_too_large"},
    {"type application/json", "The model's answer cannot be read.", "upstream_malformed"},
    {"type image/png", "The model's answer cannot be read.", "upstream_malformed"},
};

class BrokenAnswersTest : public testing::TestWithParam<ApiAndEngine> {
 protected:
  const ScriptedApi& api() const { return std::get<0>(GetParam()); }

  void answer(Answer& to, const std::string& request) const {
    auto asked = [&](const char* prompt) { return request.find(prompt) != std::string::npos; };
    const std::string_view body = api().body;
    const std::size_t half = body.find("\n\n", body.find("漢")) + 2;  // with text in it
    if (asked("never begins")) {
      to.wait_for_cancel();
    } else if (asked("status alone")) {
      to.head(503);
      to.wait_for_cancel();
    } else if (asked("page for 429")) {
      to.head(429, {{"content-type", "text/html"}, {"retry-after", "7"}});
      to.send(kHtml);
      to.end();
    } else if (asked("huge 500")) {
      to.head(500, {{"content-type", "text/plain"}});
      to.send(kHtml + std::string(std::size_t{2} << 20, 'x'));
      to.end();
    } else if (asked("page for 200")) {
      to.head(200, {{"content-type", "text/html; charset=utf-8"}});
      to.send(kHtml);
      to.end();
    } else if (const std::size_t type = request.find("type "); type != std::string::npos) {
      to.head(200, {{"content-type", request.substr(type + 5, request.find('"', type) - type - 5)}});
      to.send(body);
      to.end();
    } else {
      to.head(200, kEventStreamType);
      if (asked("head alone")) return to.wait_for_cancel();
      to.send(body.substr(0, half));
      if (asked("breaks off")) return to.break_off();
      if (asked("falls silent") || asked("client leaves")) return to.wait_for_cancel();
      if (asked("large event")) to.send(other_event(900 * 1024));
      if (asked("huge event")) to.send(other_event(4200 * 1024));
      to.send(body.substr(half));
      to.end();
    }
  }

  UniqueFd begin(const std::string& prompt, const std::string& format = "content") const {
    return daemon->hand_client_over("{\"prompt\":\"" + prompt + "\",\"format\":\"" + format + "\"}");
  }
  std::string ask(const std::string& prompt, const std::string& format = "content") const {
    return read_to_end(begin(prompt, format).get());
  }
  void start_daemon(const std::vector<std::string>& flags = {}) {
    daemon = daemon_that_asks(*server, certificate, api(), flags);
  }

  TestCertificate certificate;
  TemporaryDirectory settings;
  std::unique_ptr<ScriptedServer> server = ScriptedServer::start(
      std::get<1>(GetParam()), certificate, [this](Answer& to, const std::string& request) { answer(to, request); });
  std::unique_ptr<DaemonProcess> daemon;
};

TEST_P(BrokenAnswersTest, AreErrorsInEveryFormatAndCountedByCause) {
  start_daemon({"--first-byte-timeout-ms", "1000", "--idle-timeout-ms", "1000", "--metrics-addr", "127.0.0.1:0"});
  std::map<std::string, int> causes;
  std::vector<UniqueFd> browsers;
  for (const BrokenAnswer& trouble : kBrokenAnswers) {
    for (const char* format : kFormats) browsers.push_back(begin(trouble.prompt, format));
  }
  for (std::size_t i = 0; i < browsers.size(); ++i) {
    const BrokenAnswer& trouble = kBrokenAnswers[i / std::size(kFormats)];
    const std::string events = events_of(read_to_end(browsers[i].get()));
    browsers[i].reset();
    EXPECT_THAT(events, AllOf(HasSubstr(trouble.message), EndsWith("}\n\n"))) << trouble.prompt;
    EXPECT_THAT(events, AllOf(Not(HasSubstr("[DONE]")), Not(HasSubstr("\"finish\"")), Not(HasSubstr("sk-"))));
    EXPECT_THAT(events, Not(AnyOf(HasSubstr("internal"), HasSubstr("127.0.0.1"))));
    const bool begun = std::string_view("breaks off falls silent huge event").find(trouble.prompt) != std::string::npos;
    EXPECT_EQ(events.find("漢") != std::string::npos, begun) << trouble.prompt << ": what came before is kept";
    ++causes[trouble.cause];
  }
  for (const auto& [cause, count] : causes) {
    const std::string counted = "\ndaemon_streams_ended_total{cause=\"" + cause + "\"} " + std::to_string(count) + "\n";
    EXPECT_TRUE(eventually([&] {
      return http_get(daemon->monitor_port(), "/metrics").find(counted) != std::string::npos;
    })) << counted;
    EXPECT_TRUE(daemon->logs(cause)) << daemon->log();
  }
  EXPECT_TRUE(eventually([this] { return server->cancels >= 4 * 3; })) << "the server is let go of";
  daemon->stop();  // all of the log is written
  for (const char* secret : {"sk-", "internal", "html", "breaks off", "silent\"", "never begins", "hm ", "\"q"}) {
    EXPECT_THAT(daemon->log() + daemon->output(), Not(HasSubstr(secret)));
  }
}

TEST_P(BrokenAnswersTest, HaveAStatusWhereTheHeadWasHeldBackForThem) {
  std::ofstream(settings.file("config.toml")) << "[response]\nearly_head = false\n";
  start_daemon({"--first-byte-timeout-ms", "200", "--config", settings.file("config.toml")});
  EXPECT_THAT(ask("page for 429"), AllOf(StartsWith("HTTP/1.1 429 "), HasSubstr("\r\nRetry-After: 7\r\n"),
                                         EndsWith("\"code\":\"upstream_busy\",\"retry_after\":7}\n")));
  EXPECT_THAT(ask("status alone"), StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(ask("huge 500"), StartsWith("HTTP/1.1 502 "));
  EXPECT_THAT(ask("page for 200"), StartsWith("HTTP/1.1 502 "));
  EXPECT_THAT(ask("never begins"), StartsWith("HTTP/1.1 504 "));
  EXPECT_THAT(ask("head alone"), StartsWith("HTTP/1.1 504 "));
  EXPECT_EQ(daemon->stop(), 0);
}

TEST_P(BrokenAnswersTest, AreNotTakenForItWhereTheyAreOnlyUnusual) {
  start_daemon();
  for (const char* format : kFormats) {
    const std::string events = events_of(ask("large event", format));
    EXPECT_THAT(events, Not(HasSubstr("rror\":"))) << events.substr(0, 2000);
    EXPECT_EQ(events.size() > 900 * 1024, std::string_view(format) == "raw");
  }
  for (const char* type : {"text/plain", "application/octet-stream", "Text/Event-Stream; charset=utf-8"}) {
    EXPECT_THAT(ask(std::string("type ") + type), EndsWith("data: [DONE]\n\n")) << type;
  }
}

TEST_P(BrokenAnswersTest, AreWhatNoServerMustGiveToAClientThatHasLeft) {
  start_daemon();
  UniqueFd browser = daemon->hand_client_over(R"({"prompt":"client leaves"})");
  read_until(browser.get(), "漢");
  browser.reset();
  EXPECT_TRUE(eventually([this] { return server->cancels == 1; }));
  EXPECT_TRUE(daemon->logs("client_gone"));
}

INSTANTIATE_TEST_SUITE_P(Of, BrokenAnswersTest, kEveryApiOverEachEngine, api_and_engine_name);

}  // namespace
}  // namespace streaming
