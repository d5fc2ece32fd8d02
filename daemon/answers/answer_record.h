// SPDX-License-Identifier: Apache-2.0
// AnswerRecord: what a report of an answer has of it: its texts, its tool calls and its tokens.
//
// Part of its ReportedSession, on the worker's thread. It is bounded (kMaxRecordBytes, and all of them together by
// their budget); what comes over that is left out, and cut() says so.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_budget.h"
#include "sse/answer_event.h"

namespace streaming {

class AnswerRecord {
 public:
  struct ToolCall {
    std::string id;
    std::string name;
    std::string input;  // JSON, if the model has made no mistake
    bool in_pieces = false;
  };

  explicit AnswerRecord(ByteBudget& budget) : held_(budget) {}

  void add(const AnswerEvent& event);
  // What comes now is left out, or was.
  void cut_here() { cut_ = true; }
  void set_usage(const Usage& usage) { usage_ = usage; }

  const std::string& text() const { return text_; }
  const std::string& reasoning() const { return reasoning_; }
  // By their number in the answer; one without a name is no call.
  const std::vector<ToolCall>& tool_calls() const { return tool_calls_; }
  const Usage& usage() const { return usage_; }
  bool cut() const { return cut_; }

 private:
  void append(std::string& kept, std::string_view text);
  void add_tool_call(const AnswerEvent& event);
  // Null if there are too many.
  ToolCall* call_at(std::uint32_t index);

  std::string text_;
  std::string reasoning_;
  std::vector<ToolCall> tool_calls_;
  Usage usage_;
  std::size_t bytes_ = 0;  // of all texts
  HeldBytes held_;         // grows in steps
  std::size_t counted_ = 0;
  bool cut_ = false;
};

}  // namespace streaming
