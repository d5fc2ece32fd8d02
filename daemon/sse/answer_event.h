// SPDX-License-Identifier: Apache-2.0
// AnswerEvent: one thing that an answer says, whichever API said it. Pure; its views are valid during the call that
// hands it on.

#pragma once

#include <cstdint>
#include <string_view>

namespace streaming {

struct AnswerEvent {
  enum class Kind : std::uint8_t {
    kText,            // `text`: a piece of the answer
    kReasoning,       // `text`: a piece of what the model thinks before it answers
    kToolCall,        // the model calls a tool: `id` of the call, `name` of the tool; what is empty comes later
    kToolInput,       // `text`: a piece of the call's input; JSON when all are put together; may come first
    kWholeToolInput,  // `text`: the call's input as JSON; where no piece comes, the last of these is the input
    kUpstream,        // the upstream's own event, before its meaning: `name` is its type, `text` its data, `id`
    kProgress,        // the upstream works, and has nothing to say to the client
    kMended,          // what was no Unicode in a text is replaced by U+FFFD; once an answer
  };

  Kind kind = Kind::kProgress;
  // Of tool calls, which may be interleaved: which of the answer's calls, from 0 on. Of text and reasoning: which of
  // the blocks that the API keeps apart.
  std::uint32_t index = 0;
  std::string_view text = {};
  std::string_view id = {};
  std::string_view name = {};
};

// Why a whole answer ended.
enum class FinishReason : std::uint8_t {
  kStop,
  kLength,         // the limit of tokens was reached
  kContentFilter,  // the vendor's filter cut it
  kToolCalls,      // the model waits for what its tools say
  kOther,
};

// Tokens, as the upstream counts them.
struct Usage {
  std::uint64_t input_tokens = 0;
  std::uint64_t output_tokens = 0;
};

}  // namespace streaming
