// SPDX-License-Identifier: Apache-2.0
// Complete answers of each API through the whole daemon, over both engines: the result must not depend on how the
// server splits and writes them. Each chunk, or frame of HTTP/2, is passed on by itself, so that the parser sees each
// split.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "support/scripted_apis.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

std::string replaced(const std::string& text, const char* pattern, const char* by) {
  return std::regex_replace(text, std::regex(pattern), by);
}

class EveryByteTest : public testing::TestWithParam<ApiAndEngine> {
 protected:
  // The ways to write the answer; the prompt "written:N" selects one.
  std::vector<std::string> writings() const {
    const std::string& body = std::get<0>(GetParam()).body;
    return {body,
            replaced(body, "\n", "\r\n"),
            replaced(body, "\n", "\r"),
            replaced(body, "(data|event): ", "$1:"),
            "\xEF\xBB\xBF" + body,
            replaced(body, "\n\n", "\n\n: PROCESSING\n:\n\n"),
            replaced(body, "\ndata", "\nretry: 10\nid\nunknown: x\ndata")};
  }

  // "cut:N" comes in two pieces, "written:N" byte by byte.
  void answer(ScriptedServer::Answer& answer, const std::string& request) const {
    answer.head(200, {{"content-type", "text/event-stream"}});
    if (const std::size_t cut = request.find("cut:"); cut != std::string::npos) {
      const std::string_view body = std::get<0>(GetParam()).body;
      const std::size_t at = std::stoul(request.substr(cut + 4));
      if (at > 0) answer.send(body.substr(0, at));
      if (at < body.size()) answer.send(body.substr(at));
    } else {
      const std::string body = writings().at(std::stoul(request.substr(request.find("written:") + 8)));
      for (const char& byte : body) answer.send({&byte, 1});
    }
    answer.end();
  }

  UniqueFd ask(const std::string& prompt, const std::string& format) const {
    return daemon->hand_client_over("{\"prompt\":\"" + prompt + "\",\"format\":\"" + format +
                                    "\",\"request_id\":\"r\"}");
  }

  TestCertificate certificate;
  std::unique_ptr<ScriptedServer> server =
      ScriptedServer::start(std::get<1>(GetParam()), certificate,
                            [this](ScriptedServer::Answer& to, const std::string& request) { answer(to, request); });
  std::unique_ptr<DaemonProcess> daemon =
      daemon_that_asks(*server, certificate, std::get<0>(GetParam()), {"--benchmark"});
};

TEST_P(EveryByteTest, TheSameComesOutHoweverItIsCut) {
  const std::string whole = events_of(read_to_end(ask("cut:0", "ui-message").get()));
  EXPECT_THAT(whole, HasSubstr(R"("inputTextDelta":"{\"content\":\"x\"}"})"));
  EXPECT_THAT(whole, EndsWith("{\"type\":\"finish\",\"finishReason\":\"tool-calls\"}\n\ndata: [DONE]\n\n"));
  constexpr std::size_t kAtOnce = 64;
  const std::size_t cuts = std::get<0>(GetParam()).body.size() + 1;
  for (std::size_t first = 0; first < cuts; first += kAtOnce) {
    std::vector<UniqueFd> browsers;
    for (std::size_t at = first; at < std::min(cuts, first + kAtOnce); ++at) {
      browsers.push_back(ask("cut:" + std::to_string(at), "ui-message"));
    }
    for (std::size_t i = 0; i < browsers.size(); ++i) {
      ASSERT_EQ(events_of(read_to_end(browsers[i].get())), whole) << "cut at " << first + i;
    }
  }
}

TEST_P(EveryByteTest, TheSameComesOutHoweverItIsWritten) {
  for (const char* format : {"content", "ui-message"}) {
    const std::string whole = events_of(read_to_end(ask("cut:0", format).get()));
    EXPECT_THAT(whole, EndsWith("data: [DONE]\n\n"));
    for (std::size_t i = 0; i < writings().size(); ++i) {
      const std::string events = events_of(read_to_end(ask("written:" + std::to_string(i), format).get()));
      EXPECT_EQ(events, whole) << format << ", writing " << i;
    }
  }
}

TEST_P(EveryByteTest, TheApisOwnEventsComeOutAsTheyCame) {
  // Only the comments are not events.
  const std::string expected = replaced(std::get<0>(GetParam()).body, ": a comment\n\n", "");
  EXPECT_EQ(events_of(read_to_end(ask("cut:0", "raw").get())), expected);
  EXPECT_EQ(events_of(read_to_end(ask("written:1", "raw").get())), expected) << "byte by byte, with CRLF";
}

INSTANTIATE_TEST_SUITE_P(Of, EveryByteTest, kEveryApiOverEachEngine, api_and_engine_name);

}  // namespace
}  // namespace streaming
