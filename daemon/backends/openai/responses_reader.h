// SPDX-License-Identifier: Apache-2.0
// ResponsesReader: the events of OpenAI's Responses API.
//
// Texts and calls come in small pieces; but some servers send some of them whole, in an event that only ends them
// elsewhere, or in the last event. What no earlier event has brought is taken from there.

#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "backends/answer_pieces.h"
#include "backends/sse_session.h"
#include "backends/tool_calls.h"

namespace streaming {

class ResponsesReader final : public AnswerReader {
 public:
  Verdict read(SseEvent& event, EventSink& sink) override;
  void finish(EventSink& sink) override;
  // One of its last events must have come.
  bool may_end() const override { return false; }
  FinishReason finish_reason() const override { return finish_reason_; }

 private:
  // A text of the response: of the output's item, a part of its content or its summary.
  struct Part {
    std::uint32_t item;
    std::uint32_t number;
    std::uint8_t source;  // in the table of texts
    bool operator==(const Part&) const = default;
  };

  // Each is false when a tool's input is nested too deep.
  Verdict read_last_event(std::string_view type, const rapidjson::Value* response, EventSink& sink);
  bool read_event(std::string_view type, const rapidjson::Value& event, EventSink& sink);
  bool read_text(std::string_view type, const rapidjson::Value& event, EventSink& sink);
  bool read_input(std::string_view type, const rapidjson::Value& event, EventSink& sink);
  bool read_whole_item(const rapidjson::Value& item, std::uint32_t output_index, EventSink& sink);
  bool read_output(const rapidjson::Value* output, EventSink& sink);
  void read_texts(const rapidjson::Value& item, std::uint32_t output_index, EventSink& sink);
  bool read_call(const rapidjson::Value& item, std::uint64_t output_index, EventSink& sink);
  bool is_vendors(const rapidjson::Value& item) const;
  void read_tools(const rapidjson::Value* response);

  // Its number in the answer; one more than those that are known where it is new.
  std::uint32_t number_of(const Part& part) const;
  void hand_on(EventSink& sink, const Part& part, std::string_view text);
  bool has_texts_of(AnswerEvent::Kind kind) const;
  bool has_texts_of_item(std::uint32_t item, AnswerEvent::Kind kind) const;

  AnswerPieces pieces_;
  ToolCalls tool_calls_{pieces_};
  std::vector<Part> parts_;  // that have brought text, at most kMaxRunParts
  bool custom_tools_are_the_vendors_ = false;
  FinishReason finish_reason_ = FinishReason::kOther;
};

}  // namespace streaming
