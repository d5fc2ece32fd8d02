// SPDX-License-Identifier: Apache-2.0
// What is posted to the Responses API for a hand-off: it asks for a stream, and a conversation becomes items of this API.

#include "backends/openai/responses_request.h"

#include "fuzz/daemon/written_request.h"

namespace streaming {
namespace {

// Tool calls and tools' answers are items of their own here.
void must_be_an_item(const rapidjson::Value& item) {
  MUST(find_member(&item, "tool_calls") == nullptr);
  MUST(find_text(&item, "role") != "tool");
}

void must_hold(const HandoffRequest& request, const rapidjson::Document& body) {
  must_ask_for_a_stream(body);
  MUST(body.HasMember("input"));
  if (request.messages == nullptr) return;
  const rapidjson::Value& input = body["input"];
  MUST(input.IsArray() && input.Size() >= request.messages->Size());
  for (const rapidjson::Value& item : input.GetArray()) must_be_an_item(item);
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  const auto write = [](const HandoffRequest& request) { return responses_request(request, "standard"); };
  return check_written(data, size, write, must_hold);
}
