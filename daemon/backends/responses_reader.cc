#include "backends/responses_reader.h"

#include "backends/json_fields.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Kind = AnswerEvent::Kind;

std::uint32_t output_index(const Value& event) {
  return static_cast<std::uint32_t>(find_count(&event, "output_index"));
}

void read_usage(const Value* response, EventSink& sink) {
  const Value* usage = find_member(response, "usage");
  if (usage == nullptr) return;
  sink.on_usage(
      {.input_tokens = find_count(usage, "input_tokens"), .output_tokens = find_count(usage, "output_tokens")});
}

FinishReason reason_of_incomplete(const Value* response) {
  const std::string_view reason = find_text(find_member(response, "incomplete_details"), "reason");
  if (reason == "max_output_tokens") return FinishReason::kLength;
  if (reason == "content_filter") return FinishReason::kContentFilter;
  return FinishReason::kOther;
}

}  // namespace

AnswerReader::Verdict ResponsesReader::read(SseEvent& event, EventSink& sink) {
  JsonObject object;
  if (!object.parse(event.data)) return Verdict::kMalformed;
  const Value& root = object.root();
  const std::string_view written = find_text(&root, "type");
  const std::string_view type = written.empty() ? event.type : written;
  // Gateways report errors as they do for Chat Completions.
  if (type == "error" || (written.empty() && is_truthy(find_member(&root, "error")))) return Verdict::kReported;
  const Value* response = find_member(&root, "response");
  if (type == "response.completed") {
    read_usage(response, sink);
    finish_reason_ = called_tool_ ? FinishReason::kToolCalls : FinishReason::kStop;
    return Verdict::kEnd;
  }
  if (type == "response.incomplete") {
    read_usage(response, sink);
    finish_reason_ = reason_of_incomplete(response);
    return Verdict::kEnd;
  }
  if (type == "response.failed") {
    read_usage(response, sink);
    return Verdict::kReported;
  }
  read_piece(type, root, sink);
  return Verdict::kGoesOn;
}

void ResponsesReader::read_piece(std::string_view type, const Value& event, EventSink& sink) {
  const std::string_view delta = find_text(&event, "delta");
  // A refusal is what the model says in place of an answer.
  if (type == "response.output_text.delta" || type == "response.refusal.delta") {
    pieces_.hand_on_text(sink, Kind::kText, delta);
  } else if (type == "response.reasoning_text.delta" || type == "response.reasoning_summary_text.delta") {
    pieces_.hand_on_text(sink, Kind::kReasoning, delta);
  } else if (type == "response.function_call_arguments.delta") {
    pieces_.hand_on_text(sink, Kind::kToolInput, delta, output_index(event));
  } else if (type == "response.output_item.added") {
    read_new_item(event, sink);
  }
}

void ResponsesReader::read_new_item(const Value& event, EventSink& sink) {
  const Value* item = find_member(&event, "item");
  if (find_text(item, "type") != "function_call") return;
  called_tool_ = true;
  pieces_.hand_on_tool_call(sink, output_index(event), find_text(item, "call_id"), find_text(item, "name"));
}

}  // namespace streaming
