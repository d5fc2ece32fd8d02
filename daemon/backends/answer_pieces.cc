// SPDX-License-Identifier: Apache-2.0
#include "backends/answer_pieces.h"

#include <string>

namespace streaming {

void AnswerPieces::hand_on_text(EventSink& sink, AnswerEvent::Kind kind, std::string_view text, std::uint32_t index) {
  const std::uint64_t source = static_cast<std::uint64_t>(kind) << 32 | index;
  const std::string_view piece = mender_.next_piece(source, text);
  if (!piece.empty()) sink.on_event({.kind = kind, .index = index, .text = piece});
  report_mending(sink);
}

void AnswerPieces::hand_on_whole_input(EventSink& sink, std::string_view json, std::uint32_t index) {
  sink.on_event({.kind = AnswerEvent::Kind::kWholeToolInput, .index = index, .text = mender_.whole(json)});
  report_mending(sink);
}

void AnswerPieces::hand_on_tool_call(EventSink& sink, std::uint32_t index, std::string_view id, std::string_view name) {
  const std::string whole_id(mender_.whole(id));
  sink.on_event({.kind = AnswerEvent::Kind::kToolCall, .index = index, .id = whole_id, .name = mender_.whole(name)});
  report_mending(sink);
}

void AnswerPieces::finish(EventSink& sink) {
  std::uint64_t source = 0;
  while (mender_.take_waiting(source)) {
    sink.on_event({.kind = static_cast<AnswerEvent::Kind>(source >> 32),
                   .index = static_cast<std::uint32_t>(source),
                   .text = kReplacement});
  }
  report_mending(sink);
}

void AnswerPieces::report_mending(EventSink& sink) {
  if (mending_reported_ || !mender_.has_replaced()) return;
  mending_reported_ = true;
  sink.on_event({.kind = AnswerEvent::Kind::kMended});
}

}  // namespace streaming
