// SPDX-License-Identifier: Apache-2.0
// AnswerPieces: hands on the texts that an AnswerReader finds in an API's events, so that the sink gets only whole
// characters. One per answer, owned by its reader.

#pragma once

#include <cstdint>
#include <string_view>

#include "backends/backend.h"
#include "backends/text_mender.h"

namespace streaming {

class AnswerPieces {
 public:
  // Nothing for empty text.
  void hand_on_text(EventSink& sink, AnswerEvent::Kind kind, std::string_view text, std::uint32_t index = 0);
  void hand_on_whole_input(EventSink& sink, std::string_view json, std::uint32_t index);
  // An empty id or name is not reported.
  void hand_on_tool_call(EventSink& sink, std::uint32_t index, std::string_view id, std::string_view name);
  // The answer is complete: a half of a character that still waits for its other half becomes U+FFFD.
  void finish(EventSink& sink);

 private:
  void report_mending(EventSink& sink);

  TextMender mender_;
  bool mending_reported_ = false;
};

}  // namespace streaming
