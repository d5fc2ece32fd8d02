// AnswerPieces: what an AnswerReader hands on of the texts that it finds in an API's events, so that the sink gets
// whole characters alone. One per answer, owned by its reader. Each call is false when a text is no valid Unicode.

#pragma once

#include <cstdint>
#include <string_view>

#include "backends/backend.h"
#include "backends/surrogate_halves.h"

namespace streaming {

class AnswerPieces {
 public:
  // Nothing for empty text.
  bool hand_on_text(EventSink& sink, AnswerEvent::Kind kind, std::string_view text, std::uint32_t index = 0);
  bool hand_on_tool_call(EventSink& sink, std::uint32_t index, std::string_view id, std::string_view name);

 private:
  SurrogateJoiner joiner_;
};

}  // namespace streaming
