// SPDX-License-Identifier: Apache-2.0
// What is posted to Chat Completions for a hand-off: it asks for a stream and for its usage, and has all messages.

#include "backends/openai/chat_completion_request.h"

#include "fuzz/daemon/written_request.h"

namespace streaming {
namespace {

void must_hold(const HandoffRequest& request, const rapidjson::Document& body) {
  must_ask_for_a_stream(body);
  MUST(find_text(&body, "model") == model_of(request, "standard"));
  const rapidjson::Value* given = find_messages(request);
  const rapidjson::SizeType count = (given == nullptr ? 1 : given->Size()) + (request.system.empty() ? 0 : 1);
  const rapidjson::Value* messages = find_member(&body, "messages");
  MUST(messages != nullptr && messages->IsArray() && messages->Size() == count);
  if (const rapidjson::Value* options = find_member(&body, "stream_options")) {
    const rapidjson::Value* usage = find_member(options, "include_usage");
    MUST(usage != nullptr && usage->IsTrue());
  }
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  const auto write = [](const HandoffRequest& request) { return chat_completion_request(request, "standard"); };
  return check_written(data, size, write, must_hold);
}
