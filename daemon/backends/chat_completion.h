// OpenAI's Chat Completions as JSON: the request's body and the stream's chunks. Pure.

#pragma once

#include <string>
#include <string_view>

#include "handoff/handoff_request.h"

namespace streaming {

// The request's body; `default_model` where the hand-off names none.
std::string chat_completion_request(const HandoffRequest& request, std::string_view default_model);

struct ChatCompletionChunk {
  enum class Kind {
    kDelta,      // text, perhaps empty, and perhaps the answer's end
    kError,      // the upstream reports one in the stream
    kMalformed,  // not a chunk
  };
  Kind kind = Kind::kMalformed;
  std::string_view text;  // choices[0].delta.content; in `data`
  bool finished = false;  // choices[0].finish_reason is set
};

// Parses an event's data in place, and pads it. Fields are found by structure: what a tool call's argument contains is
// not text.
ChatCompletionChunk parse_chat_completion_chunk(std::string& data);

// The data that ends the stream.
bool is_chat_completion_end(std::string_view data);

}  // namespace streaming
