// SPDX-License-Identifier: Apache-2.0
// UiMessage: an answer as the UI message stream, version 1, of Vercel's AI SDK. Its client refuses a whole stream for
// one frame that it does not expect, so each part is begun and ended, and a tool's input is told again when it is
// whole. A call of a tool is told once its id and the tool's name are known.
//
// Pure; one per stream of that format, owned by its EventEncoder, on the stream's thread.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/header_field.h"
#include "sse/answer_event.h"

namespace streaming {

// By which the client knows the format.
inline constexpr HeaderField kUiMessageHeader{"x-vercel-ai-ui-message-stream", "v1"};

class UiMessage {
 public:
  explicit UiMessage(std::string message_id) : message_id_(std::move(message_id)) {}

  // As the EventEncoder's.
  std::uint32_t append(Buffer& out, const AnswerEvent& event);
  void append_end(Buffer& out, FinishReason reason);

  // What the client takes for an error; it goes on to the stream's end, and there is no other sign of a cut answer: its
  // "abort" and a missing "finish" look to it like a good end.
  static void append_error(Buffer& out, std::string_view message);

  // The tool calls are more, or have more input, than is kept (kMaxToolCalls, kMaxToolInputBytes): nothing more is
  // said.
  bool too_large() const { return too_large_; }

 private:
  enum class Part : std::uint8_t { kNone, kText, kReasoning };

  struct ToolCall {
    std::string id;
    std::string name;
    std::string input;
    bool begun = false;      // the client knows of it
    bool in_pieces = false;  // the input has come in pieces
  };

  // All return the number of frames.
  std::uint32_t start(Buffer& out);
  std::uint32_t begin_part(Buffer& out, Part part, std::uint32_t block);
  std::uint32_t end_part(Buffer& out);
  std::uint32_t append_piece(Buffer& out, Part part, const AnswerEvent& event);
  std::uint32_t append_tool_call(Buffer& out, const AnswerEvent& event);
  std::uint32_t append_input_piece(Buffer& out, const AnswerEvent& event);
  void keep_whole_input(const AnswerEvent& event);
  // Once both id and name are known.
  std::uint32_t begin_call(Buffer& out, ToolCall& call);
  static void append_input_delta(Buffer& out, const ToolCall& call, std::string_view piece);
  static void append_whole_input(Buffer& out, const ToolCall& call);

  // Null where it is one too many.
  ToolCall* call_at(std::uint32_t index);
  bool knows_call(std::string_view id) const;
  // An id that no call has, for one that was given none.
  std::string unused_id();
  // Puts `value` in the place of what is kept in `kept`; false when it is too much.
  bool keep(std::string& kept, std::string_view value);
  // Counts what is to be kept besides; false when it is too much.
  bool count_kept(std::size_t bytes);

  std::string message_id_;       // empty once it was told
  std::vector<ToolCall> calls_;  // each at its index
  std::size_t kept_bytes_ = 0;
  std::uint32_t parts_ = 0;  // begun so far; the last one's number is its identity
  std::uint32_t block_ = 0;  // that the open part is of
  std::uint32_t made_up_ids_ = 0;
  Part part_ = Part::kNone;  // that is open
  bool started_ = false;
  bool too_large_ = false;
};

}  // namespace streaming
