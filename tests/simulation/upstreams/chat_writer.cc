// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>
#include <vector>

#include "simulation/upstreams/api_writers.h"

namespace streaming::simulation {
namespace {

using Kind = PlannedBlock::Kind;

struct ChatDialect {
  enum class Content : std::uint8_t { kText, kParts, kRefusal };

  Content content;
  const char* reasoning;
  bool has_index;
  bool has_other_choices;
};

class ChatWriter {
 public:
  explicit ChatWriter(EventScript& script)
      : script_(script),
        random_(script.random()),
        dialect_{random_.pick({ChatDialect::Content::kText, ChatDialect::Content::kText, ChatDialect::Content::kParts,
                               ChatDialect::Content::kRefusal}),
                 random_.pick({"reasoning_content", "reasoning"}), !random_.one_in(8), random_.one_in(8)} {}

  void add_chunk(const std::string& delta, const std::string& finish_reason = "null") {
    std::string choices;
    if (dialect_.has_other_choices && random_.one_in(3)) choices = R"({"index":1,"delta":{"content":"another"}},)";
    const std::string index = dialect_.has_index || dialect_.has_other_choices ? "\"index\":0," : "";
    choices += "{" + index + "\"delta\":" + delta + ",\"logprobs\":null,\"finish_reason\":" + finish_reason + "}";
    script_.add("", R"({"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"choices":[)" + choices + "]}");
    if (random_.one_in(24)) script_.add("", random_.pick({"", "null", R"({"choices":[],"usage":null})"}));
  }

  void say(Kind kind, const Units& piece) {
    const std::string text = json_string(piece, random_);
    script_.tell(kind, piece);
    using Content = ChatDialect::Content;
    if (kind == Kind::kReasoning && dialect_.content == Content::kParts) {
      add_chunk(R"({"content":[{"type":"thinking","thinking":[{"type":"text","text":)" + text + "}]}]}");
    } else if (kind == Kind::kReasoning) {
      add_chunk("{\"" + std::string(dialect_.reasoning) + "\":" + text + ",\"content\":null}");
    } else if (dialect_.content == Content::kParts) {
      add_chunk(R"({"content":[{"type":"text","text":)" + text + R"(},{"type":"reference","reference_ids":[1]}]})");
    } else {
      add_chunk(std::string("{\"") + (dialect_.content == Content::kRefusal ? "refusal" : "content") + "\":" + text + "}");
    }
  }

  void call_tools(const std::vector<const PlannedBlock*>& calls) {
    for (std::size_t i = 0; i < calls.size(); ++i) {
      script_.tell_call(*calls[i]);
      add_chunk(R"({"tool_calls":[{"index":)" + std::to_string(i) + R"(,"id":")" + calls[i]->id +
                R"(","type":"function","function":{"name":")" + calls[i]->name + R"(","arguments":""}}]})");
      if (!interleaves_) add_input(*calls[i], i, 0, calls[i]->pieces.size());
    }
    std::size_t most_pieces = 0;
    for (const PlannedBlock* call : calls) most_pieces = std::max(most_pieces, call->pieces.size());
    for (std::size_t piece = 0; interleaves_ && piece < most_pieces; ++piece) {
      for (std::size_t i = 0; i < calls.size(); ++i) add_input(*calls[i], i, piece, piece + 1);
    }
  }

 private:
  void add_input(const PlannedBlock& call, std::size_t index, std::size_t from, std::size_t to) {
    for (; from < std::min(to, call.pieces.size()); ++from) {
      add_chunk(R"({"tool_calls":[{"index":)" + std::to_string(index) + R"(,"function":{"arguments":)" +
                json_string(call.pieces[from], random_) + "}}]}");
    }
  }

  EventScript& script_;
  Random& random_;
  const ChatDialect dialect_;
  const bool interleaves_ = random_.one_in(3);
};

}  // namespace

std::string finish_word(FinishReason reason) {
  switch (reason) {
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kContentFilter:
      return "content_filter";
    case FinishReason::kToolCalls:
      return "tool_calls";
    case FinishReason::kOther:
      break;
  }
  return "unheard_of";
}

void write_chat(const AnswerPlan& plan, EventScript& script) {
  Random& random = script.random();
  ChatWriter writer(script);
  if (random.one_in(8)) script.add("", R"({"choices":[],"prompt_filter_results":[]})");
  if (!random.one_in(4)) writer.add_chunk(R"({"role":"assistant","content":""})");
  std::vector<const PlannedBlock*> calls;
  for (const PlannedBlock& block : plan.blocks) {
    if (block.kind == Kind::kCall) {
      calls.push_back(&block);
      continue;
    }
    for (const Units& piece : block.pieces) writer.say(block.kind, piece);
  }
  writer.call_tools(calls);
  script.set_may_end(true);
  script.set_reason(plan.reason);
  writer.add_chunk("{}", "\"" + finish_word(plan.reason) + "\"");
  if (!random.one_in(4)) {
    script.set_usage(plan.input_tokens, plan.output_tokens);
    script.add("", R"({"choices":[],"usage":{"prompt_tokens":)" + std::to_string(plan.input_tokens) +
                       R"(,"completion_tokens":)" + std::to_string(plan.output_tokens) + "}}");
  }
  if (!random.one_in(8)) script.add("", "[DONE]", Meaning::kEnd);
}

}  // namespace streaming::simulation
