// SPDX-License-Identifier: Apache-2.0
// MessagesReader: the events of Anthropic's Messages API.

#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "backends/answer_pieces.h"
#include "backends/sse_session.h"
#include "backends/tool_calls.h"

namespace streaming {

class MessagesReader final : public AnswerReader {
 public:
  Verdict read(SseEvent& event, EventSink& sink) override;
  void finish(EventSink& sink) override;
  // message_stop must have come; some gateways leave it out, and end the body behind the stop reason.
  bool may_end() const override { return false; }
  bool may_end_with_body() const override { return finish_reason_.has_value(); }
  FinishReason finish_reason() const override { return finish_reason_.value_or(FinishReason::kOther); }

 private:
  // Each is false when the answer is not what the API promises.
  bool read_event(std::string_view type, const rapidjson::Value& event, EventSink& sink);
  bool read_message_start(const rapidjson::Value* message, EventSink& sink);
  bool read_block(const rapidjson::Value& block, std::uint64_t index, EventSink& sink);
  void read_block_delta(const rapidjson::Value& event, EventSink& sink);
  void read_stop_reason(const rapidjson::Value* object);
  void read_usage(const rapidjson::Value* usage, EventSink& sink);

  AnswerPieces pieces_;
  ToolCalls tool_calls_{pieces_};
  std::optional<std::size_t> message_;  // the hash of its id
  Usage usage_;
  std::optional<FinishReason> finish_reason_;
};

}  // namespace streaming
