// SPDX-License-Identifier: Apache-2.0
// What is posted to Anthropic's Messages API for a hand-off: it asks for a stream, says how long an answer may be, and
// has no message of a role, and no member, that this API refuses.

#include "backends/anthropic/messages_request.h"

#include "fuzz/daemon/written_request.h"

namespace streaming {
namespace {

void must_be_a_message(const rapidjson::Value& message) {
  for (const char* role : {"system", "developer", "tool"}) MUST(find_text(&message, "role") != role);
  for (const char* name : {"tool_calls", "function_call", "refusal", "audio"}) MUST(find_member(&message, name) == nullptr);
}

void must_hold(const HandoffRequest&, const rapidjson::Document& body) {
  must_ask_for_a_stream(body);
  MUST(find_member(&body, "max_tokens") != nullptr);
  const rapidjson::Value* messages = find_member(&body, "messages");
  MUST(messages != nullptr && messages->IsArray());
  for (const rapidjson::Value& message : messages->GetArray()) must_be_a_message(message);
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  const auto write = [](const HandoffRequest& request) { return messages_request(request, "standard", 1000); };
  return check_written(data, size, write, must_hold);
}
