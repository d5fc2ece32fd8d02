// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/backend_fixture.h"

namespace streaming {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

class AnthropicTest : public BackendTest {
 protected:
  AnthropicTest() : BackendTest(make_anthropic_backend) {}
};

TEST_F(AnthropicTest, AsksWithItsHeadersAtTheConfiguredBase) {
  config.anthropic_api_base = "http://localhost:1234/";
  config.anthropic_api_key = "sk-ant";
  config.anthropic_max_tokens = 77;
  HandoffRequest request;
  request.prompt = "hello";
  request.request_id = "r-1";
  start(request);
  EXPECT_EQ(http.request.url, "http://localhost:1234/v1/messages");
  EXPECT_THAT(http.request.headers, Contains("x-api-key: sk-ant"));
  EXPECT_THAT(http.request.headers, Contains("anthropic-version: 2023-06-01"));
  EXPECT_THAT(http.request.headers, Contains("X-Request-Id: r-1"));
  EXPECT_THAT(http.request.body, StartsWith("{\"model\":\"claude-haiku-4-5\",\"max_tokens\":77,"));
}

TEST_F(AnthropicTest, SendsTheConfiguredHeaders) {
  config.anthropic_headers = {{"anthropic-beta", {"mcp-client-2025-04-04", ""}}};
  start();
  EXPECT_THAT(http.request.headers, Contains("anthropic-beta: mcp-client-2025-04-04"));
}

TEST_F(AnthropicTest, SendsNoKeyWhereThereIsNone) {
  start();
  EXPECT_THAT(http.request.headers, Not(Contains(StartsWith("x-api-key"))));
}

TEST_F(AnthropicTest, EndsAtMessageStopAndNotWithTheBody) {
  start();
  http.receiver->on_head({.status = 200, .content_type = "text/event-stream; charset=utf-8"});
  body("data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"}}\n\n");
  EXPECT_EQ(sink.ends, 0);
  body("data: {\"type\":\"message_stop\"}\n\n");
  EXPECT_EQ(sink.ends, 1);
  EXPECT_EQ(sink.finish_reason, FinishReason::kStop);
}

}  // namespace
}  // namespace streaming
