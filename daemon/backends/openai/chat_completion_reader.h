// SPDX-License-Identifier: Apache-2.0
// ChatCompletionReader: the chunks of OpenAI's Chat Completions, also as other vendors send them.

#pragma once

#include <rapidjson/document.h>

#include <memory>
#include <optional>
#include <string_view>

#include "backends/answer_pieces.h"
#include "backends/sse_session.h"
#include "backends/tool_calls.h"

namespace streaming {

class ChatCompletionReader final : public AnswerReader {
 public:
  Verdict read(SseEvent& event, EventSink& sink) override;
  void finish(EventSink& sink) override;
  // Some vendors never send [DONE]: a finish reason and then the body's end is a good end.
  bool may_end() const override { return finish_reason_.has_value(); }
  FinishReason finish_reason() const override { return finish_reason_.value_or(FinishReason::kOther); }

 private:
  Verdict read_chunk(const rapidjson::Value& chunk, EventSink& sink);
  // Each is false when a tool's input is nested too deep.
  bool read_delta(const rapidjson::Value& delta, EventSink& sink);
  bool read_tool_calls(const rapidjson::Value& delta, EventSink& sink);
  void read_content(const rapidjson::Value& delta, EventSink& sink);
  void read_usage(const rapidjson::Value* usage, EventSink& sink);

  AnswerPieces pieces_;
  ToolCalls tool_calls_{pieces_};
  std::unique_ptr<Usage> usage_;  // as far as the server has counted
  bool had_choices_ = false;  // a chunk had: without any it is no answer
  std::optional<FinishReason> finish_reason_;
};

}  // namespace streaming
