// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "simulation/upstreams/api_writers.h"

namespace streaming::simulation {
namespace {

using Kind = PlannedBlock::Kind;

class ResponseWriter {
 public:
  explicit ResponseWriter(EventScript& script) : script_(script), random_(script.random()) {}

  // Where it stands in the answer's output for the first time.
  enum class Place : std::uint8_t { kPieces, kDone, kItemDone, kLast };

  void add(const std::string& type, const std::string& members, Meaning meaning = Meaning::kGoesOn) {
    std::string data = "{\"type\":\"" + type + "\",\"sequence_number\":" + std::to_string(number_++);
    if (!members.empty()) data += "," + members;
    script_.add(has_types_ ? type : "", data + "}", meaning);
  }

  void write_block(const PlannedBlock& block, std::size_t index) {
    const std::string at = "\"output_index\":" + std::to_string(index);
    if (block.kind == Kind::kCall) {
      write_call(block, at);
    } else {
      write_text(block, at);
    }
  }

  // `response.output`, where it has not been before, or again.
  std::string output() const { return "[" + output_ + "]"; }
  void tell_what_comes_last() {
    for (const PlannedBlock* block : last_) tell(*block);
  }

 private:
  static std::string item_of(const PlannedBlock& block, Random& random) {
    const std::string whole = json_string(block.whole(), random);
    if (block.kind == Kind::kCall) {
      return R"({"type":"function_call","id":"fc","call_id":")" + block.id + R"(","name":")" + block.name +
             R"(","arguments":)" + whole + "}";
    }
    if (block.kind == Kind::kText) {
      return R"({"type":"message","role":"assistant","content":[{"type":"output_text","text":)" + whole + "}]}";
    }
    return R"({"type":"reasoning","summary":[{"type":"summary_text","text":)" + whole + "}]}";
  }

  void tell(const PlannedBlock& block) {
    if (block.kind == Kind::kCall) {
      script_.tell_call(block);
    } else {
      script_.tell(block.kind, block.whole());
    }
  }

  // True if the item is to come at the end alone.
  bool note_item(const PlannedBlock& block) {
    const std::string item = item_of(block, random_);
    if (place_ == Place::kLast || repeats_output_) output_ += (output_.empty() ? "" : ",") + item;
    if (place_ == Place::kLast) last_.push_back(&block);
    return place_ == Place::kLast;
  }

  void write_text(const PlannedBlock& block, const std::string& at) {
    if (note_item(block)) return;
    const bool is_text = block.kind == Kind::kText;
    const std::string stem = is_text ? "response.output_text" : "response.reasoning_summary_text";
    const std::string part = at + (is_text ? R"(,"item_id":"m","content_index":0,)" : R"(,"item_id":"r","summary_index":0,)");
    add("response.output_item.added",
        at + R"(,"item":{"type":")" + (is_text ? "message" : "reasoning") + R"(","content":[],"summary":[]})");
    if (place_ == Place::kPieces) {
      for (const Units& piece : block.pieces) {
        script_.tell(block.kind, piece);
        add(stem + ".delta", part + "\"delta\":" + json_string(piece, random_));
      }
    }
    if (place_ == Place::kDone) tell(block);
    if (place_ != Place::kItemDone) add(stem + ".done", part + "\"text\":" + json_string(block.whole(), random_));
    if (place_ == Place::kItemDone) tell(block);
    add("response.output_item.done", at + ",\"item\":" + item_of(block, random_));
  }

  void write_call(const PlannedBlock& call, const std::string& at) {
    if (note_item(call)) return;
    if (place_ != Place::kItemDone) {
      script_.tell_call(call);
      add("response.output_item.added", at + R"(,"item":{"type":"function_call","id":"fc","call_id":")" + call.id +
                                            R"(","name":")" + call.name + R"(","arguments":""})");
      if (place_ == Place::kPieces) {
        for (const Units& piece : call.pieces) {
          add("response.function_call_arguments.delta", at + R"(,"item_id":"fc","delta":)" + json_string(piece, random_));
        }
      }
      add("response.function_call_arguments.done",
          at + R"(,"item_id":"fc","arguments":)" + json_string(call.whole(), random_));
    } else {
      script_.tell_call(call);
    }
    add("response.output_item.done", at + ",\"item\":" + item_of(call, random_));
  }

  EventScript& script_;
  Random& random_;
  const bool has_types_ = !random_.one_in(8);
  const bool repeats_output_ = random_.one_in(2);
  const Place place_ = random_.pick({Place::kPieces, Place::kPieces, Place::kPieces, Place::kDone, Place::kItemDone,
                                     Place::kLast});
  std::string output_;
  std::vector<const PlannedBlock*> last_;
  std::size_t number_ = 0;
};

}  // namespace

void write_response(const AnswerPlan& plan, EventScript& script) {
  Random& random = script.random();
  ResponseWriter writer(script);
  writer.add("response.created", R"("response":{"id":"resp_1","status":"in_progress","output":[]})");
  if (random.one_in(2)) writer.add("response.in_progress", R"("response":{"id":"resp_1"})");
  std::size_t index = 0;
  for (const PlannedBlock& block : plan.blocks) writer.write_block(block, index++);
  writer.tell_what_comes_last();
  script.set_reason(plan.reason);
  script.set_usage(plan.input_tokens, plan.output_tokens);
  const bool incomplete = plan.reason == FinishReason::kLength || plan.reason == FinishReason::kContentFilter;
  const std::string reason = plan.reason == FinishReason::kLength ? "max_output_tokens" : "content_filter";
  writer.add(incomplete ? "response.incomplete" : "response.completed",
             R"("response":{"id":"resp_1","output":)" + writer.output() +
                 (incomplete ? R"(,"incomplete_details":{"reason":")" + reason + "\"}" : std::string()) +
                 R"(,"usage":{"input_tokens":)" + std::to_string(plan.input_tokens) + R"(,"output_tokens":)" +
                 std::to_string(plan.output_tokens) + "}}",
             Meaning::kEnd);
}

}  // namespace streaming::simulation
