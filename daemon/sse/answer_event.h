// SPDX-License-Identifier: Apache-2.0
// AnswerEvent: one element of an answer, in the same terms for every API. A value; its views are valid during the call
// that passes it.

#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace streaming {

struct AnswerEvent {
  enum class Kind : std::uint8_t {
    kText,            // `text`: a piece of the answer
    kReasoning,       // `text`: a piece of the model's reasoning before its answer
    kToolCall,        // the model calls a tool: `id` of the call, `name` of the tool; an empty one comes later
    kToolInput,       // `text`: a piece of the call's input; all together are JSON; may come before kToolCall
    kWholeToolInput,  // `text`: the call's input as JSON; if there are no pieces, the last of these is the input
    kUpstream,        // the upstream's event unchanged, before what it means: `name` is its type, `text` its data, `id`
    kProgress,        // the upstream is working, without anything for the client
    kFrames,          // `text`: `index` events that are encoded already, as a kept answer hands them on
    kLastFrames,      // `text`: likewise the answer's end, if it has one; nothing of the answer follows
    kMended,          // invalid Unicode in a text was replaced by U+FFFD; once in an answer
  };

  Kind kind = Kind::kProgress;
  // For tool calls, which may be interleaved: the number of the call in the answer, from 0. For text and reasoning: the
  // number of the API's block.
  std::uint32_t index = 0;
  std::string_view text = {};
  std::string_view id = {};
  std::string_view name = {};
};

// Why a complete answer ended.
enum class FinishReason : std::uint8_t {
  kStop,
  kLength,         // the limit of tokens was reached
  kContentFilter,  // the vendor's filter cut it
  kToolCalls,      // the model waits for its tools' results
  kOther,
};

// As the AI SDK calls it.
constexpr std::string_view word_of(FinishReason reason) {
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

// Tokens, by the upstream's count; what it does not report is absent.
struct Usage {
  using Count = std::optional<std::uint64_t>;

  Count input_tokens = {};
  Count output_tokens = {};
  Count cached_tokens = {};     // of the input: what came from the vendor's cache
  Count reasoning_tokens = {};  // of the output

  // Cached and reasoning tokens are among these.
  std::uint64_t all_tokens() const { return input_tokens.value_or(0) + output_tokens.value_or(0); }

  bool operator==(const Usage&) const = default;
};

}  // namespace streaming
