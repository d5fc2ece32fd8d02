// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "simulation/upstreams/api_writers.h"

namespace streaming::simulation {
namespace {

using Kind = PlannedBlock::Kind;

std::string stop_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "end_turn";
    case FinishReason::kLength:
      return "max_tokens";
    case FinishReason::kContentFilter:
      return "refusal";
    case FinishReason::kToolCalls:
      return "tool_use";
    case FinishReason::kOther:
      break;
  }
  return "pause_turn";
}

class MessageWriter {
 public:
  explicit MessageWriter(EventScript& script) : script_(script), random_(script.random()) {}

  void add(const std::string& type, const std::string& members, Meaning meaning = Meaning::kGoesOn) {
    script_.add(has_types_ ? type : "", "{\"type\":\"" + type + "\"" + (members.empty() ? "" : "," + members) + "}", meaning);
    if (random_.one_in(16)) script_.add("ping", R"({"type":"ping"})");
  }

  void write_block(const PlannedBlock& block, std::size_t index) {
    const std::string at = "\"index\":" + std::to_string(index);
    if (block.kind == Kind::kCall) {
      write_call(block, at);
    } else {
      write_text(block, at);
    }
    add("content_block_stop", at);
  }

 private:
  void write_text(const PlannedBlock& block, const std::string& at) {
    const std::string name = block.kind == Kind::kText ? "text" : "thinking";
    std::size_t next = 0;
    std::string first = "\"\"";
    if (random_.one_in(8) && !block.pieces.empty()) {
      script_.tell(block.kind, block.pieces[0]);
      first = json_string(block.pieces[0], random_);
      next = 1;
    }
    add("content_block_start", at + R"(,"content_block":{"type":")" + name + "\",\"" + name + "\":" + first + "}");
    for (; next < block.pieces.size(); ++next) {
      script_.tell(block.kind, block.pieces[next]);
      add("content_block_delta", at + R"(,"delta":{"type":")" + name + "_delta\",\"" + name +
                                     "\":" + json_string(block.pieces[next], random_) + "}");
    }
    if (block.kind == Kind::kReasoning) {
      add("content_block_delta", at + R"(,"delta":{"type":"signature_delta","signature":"abc="})");
    }
  }

  void write_call(const PlannedBlock& call, const std::string& at) {
    const bool whole = random_.one_in(6);
    script_.tell_call(call);
    add("content_block_start", at + R"(,"content_block":{"type":"tool_use","id":")" + call.id + R"(","name":")" +
                                   call.name + "\",\"input\":" + (whole ? as_utf8(call.whole()) : "{}") + "}");
    for (const Units& piece : call.pieces) {
      if (whole) break;
      add("content_block_delta",
          at + R"(,"delta":{"type":"input_json_delta","partial_json":)" + json_string(piece, random_) + "}");
    }
  }

  EventScript& script_;
  Random& random_;
  const bool has_types_ = !random_.one_in(8);
};

}  // namespace

void write_message(const AnswerPlan& plan, EventScript& script) {
  Random& random = script.random();
  MessageWriter writer(script);
  script.set_usage(plan.input_tokens, 1);
  writer.add("message_start", R"("message":{"id":"msg_1","role":"assistant","content":[],"usage":{"input_tokens":)" +
                                  std::to_string(plan.input_tokens) + R"(,"output_tokens":1}})");
  std::size_t index = 0;
  for (const PlannedBlock& block : plan.blocks) writer.write_block(block, index++);
  script.set_may_end(false);
  script.set_reason(plan.reason);
  script.set_usage(plan.input_tokens, plan.output_tokens);
  writer.add("message_delta", R"("delta":{"stop_reason":")" + stop_word(plan.reason) + R"("},"usage":{"output_tokens":)" +
                                  std::to_string(plan.output_tokens) + "}");
  if (!random.one_in(8)) writer.add("message_stop", "", Meaning::kEnd);
}

}  // namespace streaming::simulation
