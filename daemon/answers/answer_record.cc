// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_record.h"

#include <algorithm>

#include "answers/limits.h"
#include "base/utf8.h"
#include "sse/limits.h"

namespace streaming {
namespace {

// Of the memory of a record that is counted at one time.
constexpr std::size_t kStepBytes = 4096;

}  // namespace

void AnswerRecord::add(const AnswerEvent& event) {
  switch (event.kind) {
    case AnswerEvent::Kind::kText:
      return append(text_, event.text);
    case AnswerEvent::Kind::kReasoning:
      return append(reasoning_, event.text);
    case AnswerEvent::Kind::kToolCall:
    case AnswerEvent::Kind::kToolInput:
    case AnswerEvent::Kind::kWholeToolInput:
      return add_tool_call(event);
    default:
      return;
  }
}

// Once something was left out, nothing follows: a text never lacks its middle.
void AnswerRecord::append(std::string& kept, std::string_view text) {
  if (cut_) return;
  const std::size_t room = kMaxRecordBytes - bytes_;
  if (text.size() > room) {
    text = utf8_prefix(text, room);
    cut_ = true;
  }
  bytes_ += text.size();
  if (bytes_ > counted_) {
    counted_ = bytes_ + std::max(bytes_ / 2, kStepBytes);
    if (!held_.set(counted_)) cut_ = true;
  }
  kept.append(text);
}

void AnswerRecord::add_tool_call(const AnswerEvent& event) {
  ToolCall* call = call_at(event.index);
  if (call == nullptr) return;
  switch (event.kind) {
    case AnswerEvent::Kind::kToolCall:
      if (call->id.empty()) append(call->id, event.id);
      if (call->name.empty()) append(call->name, event.name);
      return;
    case AnswerEvent::Kind::kToolInput:
      if (!call->in_pieces) call->input.clear();
      call->in_pieces = true;
      return append(call->input, event.text);
    default:
      if (call->in_pieces) return;
      call->input.clear();
      append(call->input, event.text);
  }
}

AnswerRecord::ToolCall* AnswerRecord::call_at(std::uint32_t index) {
  if (index >= kMaxToolCalls) {
    cut_ = true;
    return nullptr;
  }
  if (index >= tool_calls_.size()) tool_calls_.resize(index + 1);
  return &tool_calls_[index];
}

}  // namespace streaming
