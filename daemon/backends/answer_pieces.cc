#include "backends/answer_pieces.h"

namespace streaming {

bool AnswerPieces::hand_on_text(EventSink& sink, AnswerEvent::Kind kind, std::string_view text, std::uint32_t index) {
  const std::uint64_t source = static_cast<std::uint64_t>(kind) << 32 | index;
  if (!joiner_.join(source, text)) return false;
  if (!text.empty()) sink.on_event({.kind = kind, .index = index, .text = text});
  return true;
}

bool AnswerPieces::hand_on_tool_call(EventSink& sink, std::uint32_t index, std::string_view id, std::string_view name) {
  if (has_surrogate_mark(id) || has_surrogate_mark(name)) return false;
  sink.on_event({.kind = AnswerEvent::Kind::kToolCall, .index = index, .id = id, .name = name});
  return true;
}

}  // namespace streaming
