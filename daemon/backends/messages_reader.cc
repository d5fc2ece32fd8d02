#include "backends/messages_reader.h"

#include "backends/json_fields.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Kind = AnswerEvent::Kind;

FinishReason reason_of(std::string_view word) {
  if (word == "end_turn" || word == "stop_sequence") return FinishReason::kStop;
  if (word == "max_tokens" || word == "model_context_window_exceeded") return FinishReason::kLength;
  if (word == "tool_use") return FinishReason::kToolCalls;
  if (word == "refusal") return FinishReason::kContentFilter;
  return FinishReason::kOther;
}

std::uint32_t block_index(const Value& event) {
  return static_cast<std::uint32_t>(find_count(&event, "index"));
}

}  // namespace

AnswerReader::Verdict MessagesReader::read(SseEvent& event, EventSink& sink) {
  JsonObject object;
  if (!object.parse(event.data)) return Verdict::kMalformed;
  const Value& root = object.root();
  const std::string_view written = find_text(&root, "type");
  const std::string_view type = written.empty() ? event.type : written;
  if (type == "content_block_delta") {
    read_block_delta(root, sink);
  } else if (type == "content_block_start") {
    read_block_start(root, sink);
  } else if (type == "message_start") {
    read_usage(find_member(find_member(&root, "message"), "usage"), sink);
  } else if (type == "message_delta") {
    read_usage(find_member(&root, "usage"), sink);
    const std::string_view reason = find_text(find_member(&root, "delta"), "stop_reason");
    if (!reason.empty()) finish_reason_ = reason_of(reason);
  } else if (type == "message_stop") {
    return Verdict::kEnd;
  } else if (type == "error" || is_truthy(find_member(&root, "error"))) {
    return Verdict::kReported;
  }
  return Verdict::kGoesOn;
}

void MessagesReader::read_block_start(const Value& event, EventSink& sink) {
  const Value* block = find_member(&event, "content_block");
  // What the vendor's own tools are asked is between it and them.
  if (find_text(block, "type") == "tool_use") {
    tool_block_ = block_index(event);
    pieces_.hand_on_tool_call(sink, *tool_block_, find_text(block, "id"), find_text(block, "name"));
    return;
  }
  pieces_.hand_on_text(sink, Kind::kText, find_text(block, "text"));
  pieces_.hand_on_text(sink, Kind::kReasoning, find_text(block, "thinking"));
}

void MessagesReader::read_block_delta(const Value& event, EventSink& sink) {
  const Value* delta = find_member(&event, "delta");
  const std::uint32_t index = block_index(event);
  pieces_.hand_on_text(sink, Kind::kText, find_text(delta, "text"));
  pieces_.hand_on_text(sink, Kind::kReasoning, find_text(delta, "thinking"));
  if (tool_block_ == index) pieces_.hand_on_text(sink, Kind::kToolInput, find_text(delta, "partial_json"), index);
}

// Each count is of the whole answer so far; the last message_delta may leave out those that have not changed.
void MessagesReader::read_usage(const Value* usage, EventSink& sink) {
  if (usage == nullptr) return;
  // What came from the vendor's cache, or went there, was input as well, and is counted apart.
  const std::uint64_t cached =
      find_count(usage, "cache_creation_input_tokens") + find_count(usage, "cache_read_input_tokens");
  if (find_member(usage, "input_tokens") != nullptr) usage_.input_tokens = find_count(usage, "input_tokens") + cached;
  usage_.output_tokens = find_count(usage, "output_tokens", usage_.output_tokens);
  sink.on_usage(usage_);
}

}  // namespace streaming
