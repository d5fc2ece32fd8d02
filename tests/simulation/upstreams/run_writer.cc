// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "simulation/upstreams/api_writers.h"

namespace streaming::simulation {
namespace {

using Kind = PlannedBlock::Kind;

class RunWriter {
 public:
  RunWriter(EventScript& script, bool accumulates)
      : script_(script), random_(script.random()), accumulates_(accumulates) {}

  void write_texts(const PlannedBlock& block) {
    Units& so_far = block.kind == Kind::kText ? text_ : reasoning_;
    for (const Units& piece : block.pieces) {
      so_far = accumulates_ ? so_far + piece : piece;
      script_.tell(block.kind, piece);
      add_message("");
      if (!accumulates_) so_far.clear();
      if (random_.one_in(12)) script_.add("values", R"({"messages":[{"type":"ai","content":"of no interest"}]})");
      if (random_.one_in(24)) script_.add("custom", "\"content\"");
    }
  }

  void write_call(const PlannedBlock& call, std::size_t index) {
    const std::string name = R"("id":")" + call.id + R"(","name":")" + call.name + "\"";
    script_.tell_call(call);
    if (accumulates_) {
      calls_ += (calls_.empty() ? "{" : ",{") + name + ",\"args\":" + as_utf8(call.whole()) + "}";
      return add_message(",\"tool_calls\":[" + calls_ + "]");
    }
    const std::string at = "\"index\":" + std::to_string(index);
    add_message(",\"tool_call_chunks\":[{" + name + R"(,"args":"",)" + at + "}]");
    for (const Units& piece : call.pieces) {
      add_message(R"(,"tool_call_chunks":[{"name":null,"id":null,"args":)" + json_string(piece, random_) + "," + at + "}]");
    }
  }

  void write_end(FinishReason reason) {
    add_message(R"(,"response_metadata":{"finish_reason":")" + finish_word(reason) + "\"}" +
                (calls_.empty() ? "" : ",\"tool_calls\":[" + calls_ + "]"));
  }

 private:
  void add_message(const std::string& members) {
    std::string message = R"({"id":"run-1","type":"AIMessageChunk","content":)" + json_string(text_, random_);
    if (!reasoning_.empty()) {
      message += R"(,"additional_kwargs":{"reasoning_content":)" + json_string(reasoning_, random_) + "}";
    }
    message += members + "}";
    if (accumulates_) {
      script_.add("messages/partial", "[" + message + "]");
    } else {
      script_.add(subgraph_ ? "messages|child:1" : "messages", "[" + message + R"(,{"langgraph_node":"model"}])");
    }
  }

  EventScript& script_;
  Random& random_;
  const bool accumulates_;
  const bool subgraph_ = random_.one_in(6);
  Units text_;  // so far, or the present piece
  Units reasoning_;
  std::string calls_;  // so far, if it accumulates
};

}  // namespace

void write_run(const AnswerPlan& plan, EventScript& script) {
  Random& random = script.random();
  std::size_t units = 0;
  for (const PlannedBlock& block : plan.blocks) units += block.whole().size();
  constexpr std::size_t kMostToRepeat = 200;
  const bool accumulates = units < kMostToRepeat && random.one_in(3);
  if (accumulates) script.set_accumulates();
  RunWriter writer(script, accumulates);
  script.set_may_end(false);
  script.add("metadata", R"({"run_id":"1ef","attempt":1})");
  std::size_t calls = 0;
  for (const PlannedBlock& block : plan.blocks) {
    if (block.kind == Kind::kCall) {
      writer.write_call(block, calls++);
    } else {
      writer.write_texts(block);
    }
  }
  script.set_reason(plan.reason);
  writer.write_end(plan.reason);
  if (random.one_in(2)) script.add("end", random.pick({"null", "", "{}"}), Meaning::kEnd);
}

}  // namespace streaming::simulation
