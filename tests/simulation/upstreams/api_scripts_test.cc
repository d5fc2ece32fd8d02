// SPDX-License-Identifier: Apache-2.0
// The scripts of APIs against the daemon's readers, without a network: each says what the other must make of it.

#include "simulation/upstreams/api_scripts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backends/anthropic/messages_reader.h"
#include "backends/langgraph/langgraph_reader.h"
#include "backends/openai/chat_completion_reader.h"
#include "backends/openai/responses_reader.h"
#include "support/answer_reading.h"

namespace streaming::simulation {
namespace {

constexpr ScriptSettings kSettings{.max_event_bytes = 4096, .faults = 3};

struct ScriptReader {
  const char* name;
  Api api;
  RecordingSink (*read_until)(std::string_view error, const std::vector<std::string_view>& reads);
};
void PrintTo(const ScriptReader& reader, std::ostream* out) {
  *out << reader.name;
}

template <typename Reader>
RecordingSink read_script(std::string_view error, const std::vector<std::string_view>& reads) {
  FakeHttpClient http;
  RecordingSink sink;
  EventBudget events(kSettings.max_event_bytes);
  SseSession session(http, HttpRequest{}, std::make_unique<Reader>(), events, sink);
  http.receiver->on_head({.status = 200, .content_type = "text/event-stream"});
  for (const std::string_view read : reads) {
    if (sink.ends == 0 && !sink.failure) http.receiver->on_body(read);
  }
  if (sink.ends == 0 && !sink.failure) http.receiver->on_finished(error);
  return sink;
}

std::vector<std::string_view> in_reads(std::string_view body, Random& random) {
  std::vector<std::string_view> reads;
  const std::size_t most = random.pick({1u, 7u, 100u, 5000u});
  for (std::size_t at = 0; at < body.size(); at += reads.back().size()) {
    reads.push_back(body.substr(at, random.between(1, most)));
  }
  return reads;
}

class ApiScripts : public testing::TestWithParam<ScriptReader> {};

TEST_P(ApiScripts, AreReadAsTheySay) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const ApiAnswer answer = make_answer(GetParam().api, "#1.1 ", kSettings, random);
    if (answer.by_head) continue;
    const std::size_t bytes = random.one_in(2) ? answer.body.size() : random.below(answer.body.size() + 1);
    const BodyEnd end = random.pick({BodyEnd::kWhole, BodyEnd::kBroken});
    const RecordingSink sink = GetParam().read_until(end == BodyEnd::kWhole ? "" : "lost",
                                                     in_reads(std::string_view(answer.body).substr(0, bytes), random));
    const Ending expected = answer.ending_after(bytes, end);
    EXPECT_TRUE(expected.over);
    EXPECT_EQ(sink.failure, expected.failure) << answer.body.substr(0, bytes);
    EXPECT_EQ(sink.all_text(), answer.text_of(expected)) << answer.body.substr(0, bytes);
    EXPECT_EQ(sink.all(AnswerEvent::Kind::kReasoning), answer.reasoning_of(expected));
    if (sink.ends == 1) {
      EXPECT_EQ(sink.finish_reason, expected.reason) << answer.body.substr(0, bytes);
    }
    if (HasFailure()) return;
  }
}

TEST_P(ApiScripts, AreTheSameForTheSameSeed) {
  Random one(7), other(7);
  EXPECT_EQ(make_answer(GetParam().api, "", kSettings, one).body, make_answer(GetParam().api, "", kSettings, other).body);
}

INSTANTIATE_TEST_SUITE_P(Of, ApiScripts,
                         testing::Values(ScriptReader{"Chat", Api::kChat, read_script<ChatCompletionReader>},
                                         ScriptReader{"Responses", Api::kResponses, read_script<ResponsesReader>},
                                         ScriptReader{"Messages", Api::kMessages, read_script<MessagesReader>},
                                         ScriptReader{"Run", Api::kRun, read_script<LangGraphReader>}),
                         testing::PrintToStringParamName());

}  // namespace
}  // namespace streaming::simulation
