// SPDX-License-Identifier: Apache-2.0
#include "sse/ui_message.h"

#include <algorithm>
#include <utility>

#include "sse/json_text.h"
#include "sse/limits.h"
#include "sse/tool_input.h"

namespace streaming {
namespace {

constexpr std::string_view kInvalidInput = "The tool's input is not valid JSON.";

// Writes data: {"type":"TYPE",...} and members; the frame is complete when this is destroyed.
class Frame {
 public:
  Frame(Buffer& out, std::string_view type) : out_(out) {
    out_.append("data: {\"type\":\"");
    out_.append(type);
    out_.append('"');
  }
  ~Frame() { out_.append("}\n\n"); }

  Frame& text(std::string_view name, std::string_view value) {
    begin_member(name).append('"');
    append_json_text(out_, value);
    out_.append('"');
    return *this;
  }
  // `value` is JSON already.
  Frame& json(std::string_view name, std::string_view value) {
    append_tool_input(begin_member(name), value);
    return *this;
  }

 private:
  Buffer& begin_member(std::string_view name) {
    out_.append(",\"");
    out_.append(name);
    out_.append("\":");
    return out_;
  }

  Buffer& out_;
};

}  // namespace

std::uint32_t UiMessage::append(Buffer& out, const AnswerEvent& event) {
  if (too_large_) return 0;
  switch (event.kind) {
    case AnswerEvent::Kind::kText:
      return append_piece(out, Part::kText, event);
    case AnswerEvent::Kind::kReasoning:
      return append_piece(out, Part::kReasoning, event);
    case AnswerEvent::Kind::kToolCall:
      return append_tool_call(out, event);
    case AnswerEvent::Kind::kToolInput:
      return append_input_piece(out, event);
    case AnswerEvent::Kind::kWholeToolInput:
      keep_whole_input(event);
      break;
    case AnswerEvent::Kind::kUpstream:
    case AnswerEvent::Kind::kProgress:
    case AnswerEvent::Kind::kFrames:
    case AnswerEvent::Kind::kLastFrames:
    case AnswerEvent::Kind::kMended:
      break;
  }
  return 0;
}

void UiMessage::append_end(Buffer& out, FinishReason reason) {
  start(out);
  end_part(out);
  for (ToolCall& call : calls_) {
    if (call.name.empty()) continue;  // there is no tool to call
    if (call.id.empty()) call.id = unused_id();
    begin_call(out, call);
    append_whole_input(out, call);
  }
  calls_.clear();
  Frame(out, "finish-step");
  Frame(out, "finish").text("finishReason", word_of(reason));
  out.append("data: [DONE]\n\n");
}

// Calls whose input is not complete are left open: nothing is to be done about them.
void UiMessage::append_stopped(Buffer& out) {
  start(out);
  end_part(out);
  calls_.clear();
  Frame(out, "abort");
  out.append("data: [DONE]\n\n");
}

void UiMessage::append_error(Buffer& out, const ClientError& error) {
  out.append("data: {\"type\":\"data-error\",\"data\":{");
  append_code(out, error);
  out.append("},\"transient\":true}\n\n");
  Frame(out, "error").text("errorText", error.message);
}

std::uint32_t UiMessage::start(Buffer& out) {
  if (std::exchange(started_, true)) return 0;
  Frame(out, "start").text("messageId", std::exchange(message_id_, {}));
  Frame(out, "start-step");
  return 2;
}

// --- Text and reasoning ---------------------------------------------------------------------------------------------

std::uint32_t UiMessage::begin_part(Buffer& out, Part part, std::uint32_t block) {
  if (part_ == part && block_ == block) return 0;
  const std::uint32_t frames = end_part(out);
  part_ = part;
  block_ = block;
  ++parts_;
  Frame(out, part == Part::kText ? "text-start" : "reasoning-start").text("id", std::to_string(parts_));
  return frames + 1;
}

std::uint32_t UiMessage::end_part(Buffer& out) {
  const Part part = std::exchange(part_, Part::kNone);
  if (part == Part::kNone) return 0;
  Frame(out, part == Part::kText ? "text-end" : "reasoning-end").text("id", std::to_string(parts_));
  return 1;
}

std::uint32_t UiMessage::append_piece(Buffer& out, Part part, const AnswerEvent& event) {
  const std::uint32_t frames = start(out) + begin_part(out, part, event.index);
  Frame(out, part == Part::kText ? "text-delta" : "reasoning-delta")
      .text("id", std::to_string(parts_))
      .text("delta", event.text);
  return frames + 1;
}

// --- Tool calls -----------------------------------------------------------------------------------------------------

std::uint32_t UiMessage::append_tool_call(Buffer& out, const AnswerEvent& event) {
  ToolCall* call = call_at(event.index);
  if (call == nullptr) return 0;
  // The client would take two calls with one id for one.
  if (call->id.empty() && !knows_call(event.id) && !keep(call->id, event.id)) return 0;
  if (call->name.empty() && !keep(call->name, event.name)) return 0;
  return begin_call(out, *call);
}

std::uint32_t UiMessage::begin_call(Buffer& out, ToolCall& call) {
  if (call.begun || call.id.empty() || call.name.empty()) return 0;
  call.begun = true;
  const std::uint32_t frames = start(out) + end_part(out) + 1;
  Frame(out, "tool-input-start").text("toolCallId", call.id).text("toolName", call.name);
  if (!call.in_pieces) return frames;
  append_input_delta(out, call, call.input);
  return frames + 1;
}

std::uint32_t UiMessage::append_input_piece(Buffer& out, const AnswerEvent& event) {
  ToolCall* call = call_at(event.index);
  if (call == nullptr) return 0;
  if (!std::exchange(call->in_pieces, true)) keep(call->input, {});
  if (!count_kept(event.text.size())) return 0;
  call->input += event.text;
  if (!call->begun) return 0;
  append_input_delta(out, *call, event.text);
  return 1;
}

void UiMessage::keep_whole_input(const AnswerEvent& event) {
  ToolCall* call = call_at(event.index);
  if (call != nullptr && !call->in_pieces) keep(call->input, event.text);
}

void UiMessage::append_input_delta(Buffer& out, const ToolCall& call, std::string_view piece) {
  Frame(out, "tool-input-delta").text("toolCallId", call.id).text("inputTextDelta", piece);
}

void UiMessage::append_whole_input(Buffer& out, const ToolCall& call) {
  // Models often call a tool without parameters without any input.
  const std::string_view input = call.input.empty() ? std::string_view("{}") : call.input;
  if (is_tool_input(input)) {
    Frame(out, "tool-input-available").text("toolCallId", call.id).text("toolName", call.name).json("input", input);
  } else {
    Frame(out, "tool-input-error")
        .text("toolCallId", call.id)
        .text("toolName", call.name)
        .text("input", input)
        .text("errorText", kInvalidInput);
  }
}

// --- What is kept of tool calls -------------------------------------------------------------------------------------

UiMessage::ToolCall* UiMessage::call_at(std::uint32_t index) {
  if (index >= kMaxToolCalls) {
    too_large_ = true;
    return nullptr;
  }
  if (index >= calls_.size()) calls_.resize(index + 1);
  return &calls_[index];
}

bool UiMessage::knows_call(std::string_view id) const {
  return std::any_of(calls_.begin(), calls_.end(), [id](const ToolCall& call) { return call.id == id; });
}

std::string UiMessage::unused_id() {
  std::string id;
  do {
    id = "call_" + std::to_string(++made_up_ids_);
  } while (knows_call(id));
  return id;
}

bool UiMessage::keep(std::string& kept, std::string_view value) {
  kept_bytes_ -= kept.size();
  kept.clear();
  if (!count_kept(value.size())) return false;
  kept = value;
  return true;
}

bool UiMessage::count_kept(std::size_t bytes) {
  kept_bytes_ += bytes;
  if (kept_bytes_ > kMaxToolInputBytes) too_large_ = true;
  return !too_large_;
}

}  // namespace streaming
