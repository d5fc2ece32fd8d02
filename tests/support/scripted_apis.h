// SPDX-License-Identifier: Apache-2.0
// The daemon's APIs, one after another, on a ScriptedServer: the flags of a daemon that uses it, and what the tests of
// all APIs share.

#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <tuple>
#include <vector>

#include "support/answer_bodies.h"
#include "support/daemon_process.h"
#include "support/scripted_server.h"

namespace streaming {

struct ScriptedApi {
  const char* name;
  std::string body;  // of a complete answer
  std::vector<std::string> flags;
};
inline void PrintTo(const ScriptedApi& api, std::ostream* out) {
  *out << api.name;
}

inline const ScriptedApi kChatApi{"Chat", kChatBody, {"--backend", "openai"}};
inline const ScriptedApi kResponsesApi{
    "Responses", kResponsesBody, {"--backend", "openai", "--openai-api", "responses"}};
inline const ScriptedApi kMessagesApi{"Messages", kMessagesBody, {"--backend", "anthropic"}};
inline const ScriptedApi kRunApi{"Run", kRunBody, {"--backend", "langgraph"}};

// A daemon whose backends all use the server. `before_exec` runs in its process.
inline std::unique_ptr<DaemonProcess> daemon_that_asks(
    const ScriptedServer& server, const TestCertificate& certificate, const ScriptedApi& api,
    const std::vector<std::string>& more = {}, const std::function<void()>& before_exec = [] {}) {
  std::vector<std::string> flags{"--openai-base", server.origin() + "/v1",  "--anthropic-base",
                                 server.origin(), "--langgraph-base",       server.origin(),
                                 "--ca-file",     certificate.certificate()};
  flags.insert(flags.end(), api.flags.begin(), api.flags.end());
  flags.insert(flags.end(), more.begin(), more.end());
  auto daemon = std::make_unique<DaemonProcess>(flags, [&] {
    for (const char* variable : {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "LANGGRAPH_API_KEY"}) {
      setenv(variable, "sk-of-the-test", 1);
    }
    before_exec();
  });
  EXPECT_TRUE(daemon->ready()) << daemon->log();
  return daemon;
}

using ApiAndEngine = std::tuple<ScriptedApi, HttpEngine>;

inline std::string api_and_engine_name(const testing::TestParamInfo<ApiAndEngine>& info) {
  const auto& [api, engine] = info.param;
  return std::string(api.name) + engine_name({engine, 0});
}

inline const auto kEveryApiOverEachEngine =
    testing::Combine(testing::Values(kChatApi, kResponsesApi, kMessagesApi, kRunApi),
                     testing::Values(HttpEngine::kHttp1, HttpEngine::kHttp2OverTls));

// The answer without its head and its first comment.
inline std::string events_of(const std::string& answer) {
  const std::size_t head = answer.find("\r\n\r\n:\n\n");
  EXPECT_NE(head, std::string::npos) << answer;
  return head == std::string::npos ? answer : answer.substr(head + 7);
}

}  // namespace streaming
