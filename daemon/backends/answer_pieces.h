// SPDX-License-Identifier: Apache-2.0
// AnswerPieces: hands on the texts that an AnswerReader finds in an API's events, so that the sink gets whole
// characters alone. One per answer, owned by its reader.

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
  // What is empty is not said.
  void hand_on_tool_call(EventSink& sink, std::uint32_t index, std::string_view id, std::string_view name);
  // The answer is whole: what waits for its other half has none.
  void finish(EventSink& sink);

 private:
  void tell_of_mending(EventSink& sink);

  TextMender mender_;
  bool told_ = false;  // the sink knows that something was replaced
};

}  // namespace streaming
