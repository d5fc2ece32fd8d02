// SPDX-License-Identifier: Apache-2.0
// What is posted to LangGraph for a hand-off, with messages as texts and as blocks: the graph's input has the
// conversation, unless it brings messages itself, and the run ends with its client or does not, as the hand-off says.

#include "backends/langgraph/langgraph_request.h"

#include "fuzz/daemon/written_request.h"

namespace streaming {
namespace {

void must_hold(const HandoffRequest& request, const rapidjson::Document& body) {
  MUST(find_text(&body, "on_disconnect") == (request.continue_without_client ? "continue" : "cancel"));
  MUST(body.HasMember("assistant_id") && body.HasMember("stream_mode"));
  const bool has_conversation = request.messages != nullptr || !request.prompt.empty() || !request.system.empty();
  if (!has_conversation && request.langgraph_input == nullptr) return;
  const rapidjson::Value* input = find_member(&body, "input");
  MUST(input != nullptr && input->IsObject());
  MUST(!has_conversation || input->HasMember("messages"));
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  for (const bool blocks : {false, true}) {
    const LangGraphDefaults defaults{.assistant_id = "agent", .stream_mode = {"values", "custom"}, .content_blocks = blocks};
    const auto write = [&](const HandoffRequest& request) { return run_request(request, defaults); };
    check_written(data, size, write, must_hold);
  }
  return 0;
}
