#include "backends/chat_completion_reader.h"

#include "backends/json_fields.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Kind = AnswerEvent::Kind;

// The first of the answers that were asked for; the others come in between, each in chunks of its own.
const Value* first_choice(const Value& chunk) {
  const Value* choices = find_member(&chunk, "choices");
  if (choices == nullptr || !choices->IsArray()) return nullptr;
  for (const Value& choice : choices->GetArray()) {
    if (find_count(&choice, "index") == 0) return &choice;
  }
  return nullptr;
}

FinishReason reason_of(std::string_view word) {
  if (word == "stop") return FinishReason::kStop;
  if (word == "length") return FinishReason::kLength;
  if (word == "content_filter") return FinishReason::kContentFilter;
  if (word == "tool_calls" || word == "function_call") return FinishReason::kToolCalls;
  return FinishReason::kOther;
}

void read_usage(const Value* usage, EventSink& sink) {
  if (usage == nullptr) return;
  sink.on_usage(
      {.input_tokens = find_count(usage, "prompt_tokens"), .output_tokens = find_count(usage, "completion_tokens")});
}

}  // namespace

AnswerReader::Verdict ChatCompletionReader::read(SseEvent& event, EventSink& sink) {
  if (event.data.starts_with("[DONE]")) return Verdict::kEnd;
  JsonObject chunk;
  if (!chunk.parse(event.data)) return Verdict::kMalformed;
  if (is_truthy(find_member(&chunk.root(), "error"))) return Verdict::kReported;
  read_usage(find_member(&chunk.root(), "usage"), sink);
  const Value* choice = first_choice(chunk.root());
  if (const Value* delta = find_member(choice, "delta")) read_delta(*delta, sink);
  if (const std::string_view reason = find_text(choice, "finish_reason"); !reason.empty()) {
    finish_reason_ = reason_of(reason);
  }
  return Verdict::kGoesOn;
}

void ChatCompletionReader::read_delta(const Value& delta, EventSink& sink) {
  for (const char* name : {"reasoning_content", "reasoning"}) {
    pieces_.hand_on_text(sink, Kind::kReasoning, find_text(&delta, name));
  }
  // A refusal is what the model says in place of an answer.
  for (const char* name : {"content", "refusal"}) {
    pieces_.hand_on_text(sink, Kind::kText, find_text(&delta, name));
  }
  const Value* calls = find_member(&delta, "tool_calls");
  if (calls == nullptr || !calls->IsArray()) return;
  for (const Value& call : calls->GetArray()) read_tool_call(call, sink);
}

// The first piece of a call has its id and its tool's name, later ones pieces of its arguments alone.
void ChatCompletionReader::read_tool_call(const Value& call, EventSink& sink) {
  const auto index = static_cast<std::uint32_t>(find_count(&call, "index"));
  const Value* function = find_member(&call, "function");
  const std::string_view name = find_text(function, "name");
  if (!name.empty()) pieces_.hand_on_tool_call(sink, index, find_text(&call, "id"), name);
  pieces_.hand_on_text(sink, Kind::kToolInput, find_text(function, "arguments"), index);
}

}  // namespace streaming
