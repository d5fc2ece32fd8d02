// SPDX-License-Identifier: Apache-2.0
#include "backends/openai/chat_completion_reader.h"

#include <limits>

#include "backends/content_parts.h"
#include "backends/json_fields.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Kind = AnswerEvent::Kind;

// Of delta.function_call, which has no index.
constexpr std::uint64_t kFunctionCallPlace = std::numeric_limits<std::uint64_t>::max();

bool is_done(std::string_view data) {
  const std::size_t begin = data.find_first_not_of(' ');
  return begin != std::string_view::npos && data.substr(begin).starts_with("[DONE]");
}

// The first of the answers that were asked for. Chunks of the others may come in between.
const Value* first_choice(const Value& choices) {
  for (const Value& choice : choices.GetArray()) {
    if (find_count(&choice, "index") == 0) return &choice;
  }
  return nullptr;
}

FinishReason reason_of_choice(std::string_view word) {
  if (word == "stop") return FinishReason::kStop;
  if (word == "length") return FinishReason::kLength;
  if (word == "content_filter") return FinishReason::kContentFilter;
  if (word == "tool_calls" || word == "function_call") return FinishReason::kToolCalls;
  return FinishReason::kOther;
}

}  // namespace

AnswerReader::Verdict ChatCompletionReader::read(SseEvent& event, EventSink& sink) {
  if (is_done(event.data)) return had_choices_ ? Verdict::kEnd : Verdict::kMalformed;
  if (event.type == "error") return Verdict::kReported;
  if (says_nothing(event.data)) return Verdict::kGoesOn;
  JsonObject chunk;
  if (!chunk.parse(event.data)) return Verdict::kMalformed;
  return read_chunk(chunk.root(), sink);
}

AnswerReader::Verdict ChatCompletionReader::read_chunk(const Value& chunk, EventSink& sink) {
  if (is_truthy(find_member(&chunk, "error"))) return Verdict::kReported;
  read_usage(find_member(&chunk, "usage"), sink);
  read_usage(find_member(find_member(&chunk, "x_groq"), "usage"), sink);
  const Value* choices = find_member(&chunk, "choices");
  if (choices == nullptr || !choices->IsArray()) return Verdict::kGoesOn;
  had_choices_ = true;
  const Value* choice = first_choice(*choices);
  const std::string_view reason = find_text(choice, "finish_reason");
  // Gateways report here that the model's vendor has failed.
  if (is_truthy(find_member(choice, "error")) || reason == "error") return Verdict::kReported;
  const Value* delta = find_member(choice, "delta");
  if (delta != nullptr && !read_delta(*delta, sink)) return Verdict::kMalformed;
  if (!reason.empty()) finish_reason_ = reason_of_choice(reason);
  return Verdict::kGoesOn;
}

void ChatCompletionReader::finish(EventSink& sink) {
  pieces_.finish(sink);
  tool_calls_.finish(sink);
}

bool ChatCompletionReader::read_delta(const Value& delta, EventSink& sink) {
  // If a server sends both names, for the sake of its clients, their values are the same.
  std::string_view reasoning = find_text(&delta, "reasoning_content");
  if (reasoning.empty()) reasoning = find_text(&delta, "reasoning");
  pieces_.hand_on_text(sink, Kind::kReasoning, reasoning);
  read_content(delta, sink);
  // A refusal is text in place of an answer.
  pieces_.hand_on_text(sink, Kind::kText, find_text(&delta, "refusal"));
  return read_tool_calls(delta, sink);
}

// A text; with Mistral's reasoning models also a list of parts.
void ChatCompletionReader::read_content(const Value& delta, EventSink& sink) {
  for_each_text_of_content(
      find_member(&delta, "content"),
      [&](Kind kind, std::string_view text, std::uint32_t, std::uint32_t) { pieces_.hand_on_text(sink, kind, text); });
}

bool ChatCompletionReader::read_tool_calls(const Value& delta, EventSink& sink) {
  if (const Value* call = find_member(&delta, "function_call")) {
    if (!tool_calls_.read(sink, kChatFunctionCall, *call, kFunctionCallPlace)) return false;
  }
  const Value* calls = find_member(&delta, "tool_calls");
  if (calls == nullptr || !calls->IsArray()) return true;
  for (const Value& call : calls->GetArray()) {
    const ToolCallShape* shape = find_shape(kChatToolCalls, call);
    if (shape == nullptr) shape = kChatToolCalls;  // it has nothing but its id
    if (!tool_calls_.read(sink, *shape, call, find_count(&call, "index"))) return false;
  }
  return true;
}

// The last counts hold; some servers have nulls in later chunks.
void ChatCompletionReader::read_usage(const Value* usage, EventSink& sink) {
  if (usage == nullptr) return;
  if (usage_ == nullptr) usage_ = std::make_unique<Usage>();
  update_count(usage_->input_tokens, usage, "prompt_tokens");
  update_count(usage_->output_tokens, usage, "completion_tokens");
  update_count(usage_->cached_tokens, find_member(usage, "prompt_tokens_details"), "cached_tokens");
  update_count(usage_->reasoning_tokens, find_member(usage, "completion_tokens_details"), "reasoning_tokens");
  sink.on_usage(*usage_);
}

}  // namespace streaming
