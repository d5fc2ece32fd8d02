// ChatCompletionReader: the chunks of OpenAI's Chat Completions, also as other vendors send them.

#pragma once

#include <rapidjson/document.h>

#include <optional>

#include "backends/answer_pieces.h"
#include "backends/sse_session.h"

namespace streaming {

class ChatCompletionReader final : public AnswerReader {
 public:
  Verdict read(SseEvent& event, EventSink& sink) override;
  void finish(EventSink& sink) override { pieces_.finish(sink); }
  // Some vendors never send [DONE]: a finish reason and then the body's end is a good end.
  bool may_end() const override { return finish_reason_.has_value(); }
  FinishReason finish_reason() const override { return finish_reason_.value_or(FinishReason::kOther); }

 private:
  void read_delta(const rapidjson::Value& delta, EventSink& sink);
  void read_tool_call(const rapidjson::Value& call, EventSink& sink);

  AnswerPieces pieces_;
  std::optional<FinishReason> finish_reason_;
};

}  // namespace streaming
