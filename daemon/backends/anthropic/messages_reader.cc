// SPDX-License-Identifier: Apache-2.0
#include "backends/anthropic/messages_reader.h"

#include <algorithm>
#include <functional>

#include "backends/json_fields.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Kind = AnswerEvent::Kind;

FinishReason reason_of_stop(std::string_view word) {
  if (word == "end_turn" || word == "stop_sequence") return FinishReason::kStop;
  if (word == "max_tokens" || word == "model_context_window_exceeded") return FinishReason::kLength;
  if (word == "tool_use") return FinishReason::kToolCalls;
  if (word == "refusal") return FinishReason::kContentFilter;
  return FinishReason::kOther;
}

}  // namespace

AnswerReader::Verdict MessagesReader::read(SseEvent& event, EventSink& sink) {
  if (says_nothing(event.data)) return Verdict::kGoesOn;
  TypedObject object;
  if (!object.parse(event.data, event.type)) return Verdict::kMalformed;
  const Value& root = object.root();
  const std::string_view type = object.type();
  if (type == "content_block_delta") {
    read_block_delta(root, sink);
    return Verdict::kGoesOn;
  }
  if (type == "message_stop") return Verdict::kEnd;
  if (type == "error" || is_truthy(find_member(&root, "error"))) return Verdict::kReported;
  return read_event(type, root, sink) ? Verdict::kGoesOn : Verdict::kMalformed;
}

void MessagesReader::finish(EventSink& sink) {
  pieces_.finish(sink);
  tool_calls_.finish(sink);
}

bool MessagesReader::read_event(std::string_view type, const Value& event, EventSink& sink) {
  if (type == "content_block_start") {
    const Value* block = find_member(&event, "content_block");
    return block == nullptr || read_block(*block, find_count(&event, "index"), sink);
  }
  if (type == "message_start") return read_message_start(find_member(&event, "message"), sink);
  if (type == "message_delta") {
    read_usage(find_member(&event, "usage"), sink);
    read_stop_reason(find_member(&event, "delta"));
  }
  return true;
}

// A message may have blocks and a stop reason from the start: calls that the vendor's own code has made.
bool MessagesReader::read_message_start(const Value* message, EventSink& sink) {
  const std::size_t id = std::hash<std::string_view>()(find_text(message, "id"));
  // Another message in the middle of one: somebody on the way has mixed two answers.
  if (message_ && *message_ != id) return false;
  message_ = id;
  read_usage(find_member(message, "usage"), sink);
  read_stop_reason(message);
  const Value* content = find_member(message, "content");
  if (content == nullptr || !content->IsArray()) return true;
  std::uint64_t index = 0;
  return std::all_of(content->Begin(), content->End(),
                     [&](const Value& block) { return read_block(block, index++, sink); });
}

bool MessagesReader::read_block(const Value& block, std::uint64_t index, EventSink& sink) {
  // What the vendor's own tools are asked is between it and them.
  if (find_text(&block, "type") == kMessagesBlock.type) return tool_calls_.read(sink, kMessagesBlock, block, index);
  const auto number = static_cast<std::uint32_t>(index);
  pieces_.hand_on_text(sink, Kind::kText, find_text(&block, "text"), number);
  pieces_.hand_on_text(sink, Kind::kReasoning, find_text(&block, "thinking"), number);
  return true;
}

void MessagesReader::read_block_delta(const Value& event, EventSink& sink) {
  const Value* delta = find_member(&event, "delta");
  const std::uint64_t index = find_count(&event, "index");
  const auto number = static_cast<std::uint32_t>(index);
  pieces_.hand_on_text(sink, Kind::kText, find_text(delta, "text"), number);
  pieces_.hand_on_text(sink, Kind::kReasoning, find_text(delta, "thinking"), number);
  tool_calls_.add_input(sink, index, find_text(delta, "partial_json"));
}

void MessagesReader::read_stop_reason(const Value* object) {
  const std::string_view reason = find_text(object, "stop_reason");
  if (!reason.empty()) finish_reason_ = reason_of_stop(reason);
}

// Each count is of the whole answer so far; the last message_delta may leave out those that have not changed.
void MessagesReader::read_usage(const Value* usage, EventSink& sink) {
  if (usage == nullptr) return;
  // What came from the vendor's cache, or went there, was input as well, and is counted apart.
  const std::uint64_t cached =
      find_count(usage, "cache_creation_input_tokens") + find_count(usage, "cache_read_input_tokens");
  if (const auto uncached = find_number(usage, "input_tokens")) usage_.input_tokens = *uncached + cached;
  update_count(usage_.output_tokens, usage, "output_tokens");
  update_count(usage_.cached_tokens, usage, "cache_read_input_tokens");
  sink.on_usage(usage_);
}

}  // namespace streaming
