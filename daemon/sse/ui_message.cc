#include "sse/ui_message.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "sse/json_text.h"
#include "sse/tool_input.h"

namespace streaming {
namespace {

constexpr std::string_view kInvalidInput = "The tool's input is not valid JSON.";

std::string_view word_of(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContentFilter:
      return "content-filter";
    case FinishReason::kToolCalls:
      return "tool-calls";
    case FinishReason::kOther:
      break;
  }
  return "other";
}

// data: {"type":"TYPE", and members of text; the frame is complete when it is destroyed.
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
  // What is JSON already.
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
      return append_piece(out, Part::kText, event.text);
    case AnswerEvent::Kind::kReasoning:
      return append_piece(out, Part::kReasoning, event.text);
    case AnswerEvent::Kind::kToolCall:
      return append_tool_call(out, event);
    case AnswerEvent::Kind::kToolInput:
      return append_input_piece(out, event);
    case AnswerEvent::Kind::kUpstream:
    case AnswerEvent::Kind::kProgress:
    case AnswerEvent::Kind::kMended:
      break;
  }
  return 0;
}

void UiMessage::append_end(Buffer& out, FinishReason reason) {
  start(out);
  end_part(out);
  for (const ToolCall& call : calls_) append_whole_input(out, call);
  calls_.clear();
  Frame(out, "finish-step");
  Frame(out, "finish").text("finishReason", word_of(reason));
  out.append("data: [DONE]\n\n");
}

void UiMessage::append_error(Buffer& out, std::string_view message) {
  Frame(out, "error").text("errorText", message);
}

std::uint32_t UiMessage::start(Buffer& out) {
  if (std::exchange(started_, true)) return 0;
  Frame(out, "start").text("messageId", std::exchange(message_id_, {}));
  Frame(out, "start-step");
  return 2;
}

// --- Text and reasoning ---------------------------------------------------------------------------------------------

std::uint32_t UiMessage::begin_part(Buffer& out, Part part) {
  if (part_ == part) return 0;
  const std::uint32_t frames = end_part(out);
  part_ = part;
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

std::uint32_t UiMessage::append_piece(Buffer& out, Part part, std::string_view text) {
  const std::uint32_t frames = start(out) + begin_part(out, part);
  Frame(out, part == Part::kText ? "text-delta" : "reasoning-delta")
      .text("id", std::to_string(parts_))
      .text("delta", text);
  return frames + 1;
}

// --- Tool calls -----------------------------------------------------------------------------------------------------

// Some servers name the tool with each piece of its input, and some give all calls the same index.
std::uint32_t UiMessage::append_tool_call(Buffer& out, const AnswerEvent& event) {
  std::uint32_t frames = 0;
  if (const auto known = find_call(event.index); known != calls_.end()) {
    if (event.id.empty() || event.id == known->id) return 0;
    frames += append_whole_input(out, *known);
    calls_.erase(known);
  }
  if (calls_.size() == kMaxToolCalls || !keep(event.id.size() + event.name.size())) {
    too_large_ = true;
    return frames;
  }
  frames += start(out) + end_part(out);
  std::string id = event.id.empty() ? "call_" + std::to_string(++unnamed_calls_) : std::string(event.id);
  Frame(out, "tool-input-start").text("toolCallId", id).text("toolName", event.name);
  calls_.push_back({event.index, std::move(id), std::string(event.name), {}});
  return frames + 1;
}

std::uint32_t UiMessage::append_input_piece(Buffer& out, const AnswerEvent& event) {
  const auto call = find_call(event.index);
  if (call == calls_.end() || !keep(event.text.size())) return 0;
  call->input += event.text;
  Frame(out, "tool-input-delta").text("toolCallId", call->id).text("inputTextDelta", event.text);
  return 1;
}

std::uint32_t UiMessage::append_whole_input(Buffer& out, const ToolCall& call) {
  // A tool that takes nothing is often called with nothing.
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
  return 1;
}

std::vector<UiMessage::ToolCall>::iterator UiMessage::find_call(std::uint32_t index) {
  return std::find_if(calls_.begin(), calls_.end(), [index](const ToolCall& call) { return call.index == index; });
}

bool UiMessage::keep(std::size_t bytes) {
  kept_bytes_ += bytes;
  if (kept_bytes_ > kMaxToolInputBytes) too_large_ = true;
  return !too_large_;
}

}  // namespace streaming
