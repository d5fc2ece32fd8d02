// SPDX-License-Identifier: Apache-2.0
#include "answers/stored_text.h"

#include "backends/json_fields.h"
#include "sse/parser.h"

namespace streaming {
namespace {

// {"type":"text-delta","id":"0","delta":"TEXT"}
void read_ui_message(const rapidjson::Value& frame, AnswerRecord& record) {
  const std::string_view type = find_text(&frame, "type");
  const std::string_view piece = find_text(&frame, "delta");
  if (type == "text-delta") record.add({.kind = AnswerEvent::Kind::kText, .text = piece});
  if (type == "reasoning-delta") record.add({.kind = AnswerEvent::Kind::kReasoning, .text = piece});
}

// {"content":"TEXT"}
void read_content(const rapidjson::Value& frame, AnswerRecord& record) {
  if (frame.MemberCount() == 1) record.add({.kind = AnswerEvent::Kind::kText, .text = find_text(&frame, "content")});
}

}  // namespace

void read_stored_text(std::string_view frames, Format format, AnswerRecord& record) {
  SseParser parser(frames.size() + 1);
  parser.feed(frames, [&](SseEvent& event) {
    JsonObject frame;
    if (!frame.parse(event.data)) return true;
    format == Format::kUiMessage ? read_ui_message(frame.root(), record) : read_content(frame.root(), record);
    return true;
  });
}

}  // namespace streaming
