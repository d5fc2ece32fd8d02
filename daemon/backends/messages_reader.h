// MessagesReader: the events of Anthropic's Messages API.

#pragma once

#include <rapidjson/document.h>

#include <optional>

#include "backends/answer_pieces.h"
#include "backends/sse_session.h"

namespace streaming {

class MessagesReader final : public AnswerReader {
 public:
  Verdict read(SseEvent& event, EventSink& sink) override;
  void finish(EventSink& sink) override { pieces_.finish(sink); }
  // message_stop must have come.
  bool may_end() const override { return false; }
  FinishReason finish_reason() const override { return finish_reason_; }

 private:
  void read_block_start(const rapidjson::Value& event, EventSink& sink);
  void read_block_delta(const rapidjson::Value& event, EventSink& sink);
  void read_usage(const rapidjson::Value* usage, EventSink& sink);

  AnswerPieces pieces_;
  std::optional<std::uint32_t> tool_block_;  // the last that calls one of the client's tools; blocks do not interleave
  Usage usage_;
  FinishReason finish_reason_ = FinishReason::kOther;
};

}  // namespace streaming
