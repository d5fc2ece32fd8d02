// SPDX-License-Identifier: Apache-2.0
// UiMessage: writes an answer as version 1 of the UI message stream of Vercel's AI SDK. Its client rejects a whole
// stream because of one frame that it does not expect. So each part has a begin and an end, and a tool's input is sent
// again when it is complete. A tool call is sent once its id and the tool's name are known.
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
#include "sse/client_error.h"

namespace streaming {

// The client recognizes the format by it.
inline constexpr HeaderField kUiMessageHeader{"x-vercel-ai-ui-message-stream", "v1"};

class UiMessage {
 public:
  explicit UiMessage(std::string message_id) : message_id_(std::move(message_id)) {}

  // See EventEncoder.
  std::uint32_t append(Buffer& out, const AnswerEvent& event);
  void append_end(Buffer& out, FinishReason reason);
  // The end of an answer that a user has stopped. The client takes "abort" for a regular end.
  void append_stopped(Buffer& out);

  // The client reports this as an error and reads on to the stream's end. It is the only sign of a cut answer: the
  // client takes "abort" and a missing "finish" for a regular end. The client accepts no other member in this frame, so
  // that the code precedes it in a frame of data, which leaves no trace in the message.
  static void append_error(Buffer& out, const ClientError& error);

  // Whether the tool calls exceed kMaxToolCalls, or their inputs kMaxToolInputBytes. From then on it writes no frames.
  bool too_large() const { return too_large_; }

 private:
  enum class Part : std::uint8_t { kNone, kText, kReasoning };

  struct ToolCall {
    std::string id;
    std::string name;
    std::string input;
    bool begun = false;      // sent to the client
    bool in_pieces = false;  // the input comes in pieces
  };

  // All return the number of frames.
  std::uint32_t start(Buffer& out);
  std::uint32_t begin_part(Buffer& out, Part part, std::uint32_t block);
  std::uint32_t end_part(Buffer& out);
  std::uint32_t append_piece(Buffer& out, Part part, const AnswerEvent& event);
  std::uint32_t append_tool_call(Buffer& out, const AnswerEvent& event);
  std::uint32_t append_input_piece(Buffer& out, const AnswerEvent& event);
  void keep_whole_input(const AnswerEvent& event);
  // Sends the call if both id and name are known.
  std::uint32_t begin_call(Buffer& out, ToolCall& call);
  static void append_input_delta(Buffer& out, const ToolCall& call, std::string_view piece);
  static void append_whole_input(Buffer& out, const ToolCall& call);

  // Null if it is over kMaxToolCalls.
  ToolCall* call_at(std::uint32_t index);
  bool knows_call(std::string_view id) const;
  // An id that no call has, for a call without one.
  std::string unused_id();
  // Replaces `kept` by `value`; false if that is too much.
  bool keep(std::string& kept, std::string_view value);
  // Counts bytes that will be kept in addition; false if they are too many.
  bool count_kept(std::size_t bytes);

  std::string message_id_;       // empty once it was sent
  std::vector<ToolCall> calls_;  // each at its index
  std::size_t kept_bytes_ = 0;
  std::uint32_t parts_ = 0;  // begun so far; a part's number is its identity
  std::uint32_t block_ = 0;  // the API's block of the open part
  std::uint32_t made_up_ids_ = 0;
  Part part_ = Part::kNone;  // the open one
  bool started_ = false;
  bool too_large_ = false;
};

}  // namespace streaming
