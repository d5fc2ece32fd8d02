// ResponsesReader: the events of OpenAI's Responses API.

#pragma once

#include <rapidjson/document.h>

#include "backends/answer_pieces.h"
#include "backends/sse_session.h"

namespace streaming {

class ResponsesReader final : public AnswerReader {
 public:
  Verdict read(SseEvent& event, EventSink& sink) override;
  void finish(EventSink& sink) override { pieces_.finish(sink); }
  // One of its last events must have come.
  bool may_end() const override { return false; }
  FinishReason finish_reason() const override { return finish_reason_; }

 private:
  void read_piece(std::string_view type, const rapidjson::Value& event, EventSink& sink);
  void read_new_item(const rapidjson::Value& event, EventSink& sink);

  AnswerPieces pieces_;
  bool called_tool_ = false;
  FinishReason finish_reason_ = FinishReason::kOther;
};

}  // namespace streaming
