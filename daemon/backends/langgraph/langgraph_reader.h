// SPDX-License-Identifier: Apache-2.0
// LangGraphReader: the events of a LangGraph run.
//
// Text comes from the messages of a model: as deltas (stream mode messages-tuple), or put together so far (messages),
// of which what is new is handed on. The run's other events mean nothing here; format raw has them from the session.

#pragma once

#include <rapidjson/document.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/answer_pieces.h"
#include "backends/sse_session.h"
#include "backends/tool_calls.h"

namespace streaming {

class LangGraphReader final : public AnswerReader {
 public:
  void on_head(const HttpHead& head) override { run_path_ = run_path_of(head.content_location); }
  Verdict read(SseEvent& event, EventSink& sink) override;
  void finish(EventSink& sink) override;

  // One server reports the end of the run, the other just ends the body. A body that breaks off is neither.
  bool may_end() const override { return false; }
  bool may_end_with_body() const override { return began_; }
  FinishReason finish_reason() const override { return finish_reason_; }

  // "/threads/ID/runs/ID"; empty if the answer's head did not name a run of a thread.
  const std::string& run_path() const { return run_path_; }

  // Out of a Content-Location; pure.
  static std::string run_path_of(std::string_view content_location);

 private:
  enum class Mode : std::uint8_t { kUnknown, kDeltas, kAccumulated };

  // What of a message was handed on already, in bytes; of a delta, nothing.
  struct Message {
    std::size_t id = 0;  // a hash
    std::size_t text = 0;
    std::size_t reasoning = 0;
    Usage usage;
  };
  // All of them: false when it is not what the API promises.
  bool read_deltas(std::string& data, EventSink& sink);
  bool read_accumulated(std::string& data, bool complete, EventSink& sink);
  bool read_message(const rapidjson::Value& message, Message& known, EventSink& sink);
  void read_content(const rapidjson::Value& message, Message& known, EventSink& sink);
  bool read_tool_calls(const rapidjson::Value& message, const Message& known, EventSink& sink);
  // Which is where its call is.
  std::uint64_t place_of(const rapidjson::Value& chunk, std::size_t message);
  void read_usage(const rapidjson::Value& message, Message& known, EventSink& sink);
  void read_finish_reason(const rapidjson::Value& message);

  std::string run_path_;
  bool began_ = false;
  Mode mode_ = Mode::kUnknown;
  AnswerPieces pieces_;
  ToolCalls tool_calls_{pieces_};
  std::uint64_t calls_without_index_ = 0;
  FinishReason finish_reason_ = FinishReason::kStop;
  Usage usage_;
  std::size_t last_message_ = 0;   // a hash
  std::vector<Message> messages_;  // in mode kAccumulated, at most kMaxRunParts
};

}  // namespace streaming
