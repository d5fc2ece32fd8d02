// SPDX-License-Identifier: Apache-2.0
#include "backends/langgraph/langgraph_reader.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "backends/content_parts.h"
#include "backends/json_fields.h"
#include "backends/limits.h"
#include "handoff/limits.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Kind = AnswerEvent::Kind;

bool is_models(const Value& message) {
  const std::string_view type = find_text(&message, "type");
  return type == "ai" || type == "AIMessageChunk" || type == "AIMessage";
}

std::size_t hash_of(std::string_view text) {
  return std::hash<std::string_view>()(text);
}

std::size_t id_of(const Value& message) {
  return hash_of(find_text(&message, "id"));
}

// Of what is numbered within a message: a number within the answer that no other has, but by an unlikely chance.
std::uint64_t number_in_answer(std::size_t message, std::uint64_t number) {
  constexpr std::uint64_t kOddFactor = 0x9E3779B97F4A7C15;  // spreads small numbers over all bits
  return message ^ (number + 1) * kOddFactor;
}

// By which LangChain joins the chunks of a call; nothing if each chunk is a call.
std::optional<std::uint64_t> index_of(const Value& chunk) {
  const Value* index = find_member(&chunk, "index");
  if (index != nullptr && index->IsUint64()) return index->GetUint64();
  const std::string_view name = find_text(&chunk, "index");
  return name.starts_with("lc_") ? std::optional<std::uint64_t>(hash_of(name)) : std::nullopt;
}

// What of `text` lies behind the first `skip` bytes of the text that it is the next piece of, and counts `skip` down.
std::string_view rest_of(std::string_view text, std::size_t& skip) {
  std::size_t begin = std::min(skip, text.size());
  skip -= begin;
  // Text that was not only added to is not ours to mend, but no character is cut.
  while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) ++begin;
  return text.substr(begin);
}

std::optional<FinishReason> reason_of(std::string_view word) {
  if (word.empty()) return std::nullopt;
  if (word == "stop" || word == "end_turn" || word == "stop_sequence") return FinishReason::kStop;
  if (word == "length" || word == "max_tokens") return FinishReason::kLength;
  if (word == "content_filter" || word == "refusal") return FinishReason::kContentFilter;
  if (word == "tool_calls" || word == "tool_use" || word == "function_call") return FinishReason::kToolCalls;
  return FinishReason::kOther;
}

// An identity as servers give them out.
bool is_id(std::string_view text) {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
  return !text.empty() && text.size() <= kMaxIdBytes && text.find_first_not_of(kAlphabet) == std::string_view::npos;
}

}  // namespace

std::string LangGraphReader::run_path_of(std::string_view content_location) {
  constexpr std::string_view kThreads = "/threads/";
  constexpr std::string_view kRuns = "/runs/";
  const std::size_t threads = content_location.rfind(kThreads);
  if (threads == std::string_view::npos) return {};
  const std::string_view path = content_location.substr(threads);
  const std::size_t runs = path.find(kRuns, kThreads.size());
  if (runs == std::string_view::npos) return {};
  const std::string_view thread = path.substr(kThreads.size(), runs - kThreads.size());
  return is_id(thread) && is_id(path.substr(runs + kRuns.size())) ? std::string(path) : std::string();
}

AnswerReader::Verdict LangGraphReader::read(SseEvent& event, EventSink& sink) {
  began_ = true;
  // Of a subgraph, its mode comes first: "messages|namespace".
  const std::string_view type = event.type.substr(0, event.type.find('|'));
  if (type == "error") return Verdict::kReported;
  if (type == "end") return Verdict::kEnd;
  bool understood = true;
  if (type == "messages") {
    understood = read_deltas(event.data, sink);
  } else if (type == "messages/partial" || type == "messages/complete") {
    understood = read_accumulated(event.data, type == "messages/complete", sink);
  }
  return understood ? Verdict::kGoesOn : Verdict::kMalformed;
}

// [message, what is known of where it comes from]
bool LangGraphReader::read_deltas(std::string& data, EventSink& sink) {
  if (mode_ == Mode::kAccumulated) return true;  // both modes were asked for: the same text comes twice
  JsonObject pair;
  if (!pair.parse_value(data) || !pair.root().IsArray() || pair.root().Empty()) return false;
  const Value& message = pair.root()[0];
  if (!is_models(message)) return true;
  mode_ = Mode::kDeltas;
  Message delta{.id = id_of(message), .text = 0, .reasoning = 0, .usage = {}};
  return read_message(message, delta, sink);
}

// [message, ...]. A thread's earlier messages come as complete, too: those that this run has not begun are not its own.
bool LangGraphReader::read_accumulated(std::string& data, bool complete, EventSink& sink) {
  if (mode_ == Mode::kDeltas) return true;
  JsonObject list;
  if (!list.parse_value(data) || !list.root().IsArray()) return false;
  for (const Value& message : list.root().GetArray()) {
    if (!is_models(message)) continue;
    const std::size_t id = id_of(message);
    auto known = std::find_if(messages_.begin(), messages_.end(), [id](const Message& one) { return one.id == id; });
    if (known == messages_.end()) {
      if (complete) continue;
      if (messages_.size() == kMaxRunParts) return false;
      known = messages_.insert(known, Message{.id = id, .text = 0, .reasoning = 0, .usage = {}});
    }
    mode_ = Mode::kAccumulated;
    if (!read_message(message, *known, sink)) return false;
  }
  return true;
}

void LangGraphReader::finish(EventSink& sink) {
  pieces_.finish(sink);
  tool_calls_.finish(sink);
}

bool LangGraphReader::read_message(const Value& message, Message& known, EventSink& sink) {
  read_content(message, known, sink);
  if (!read_tool_calls(message, known, sink)) return false;
  read_usage(message, known, sink);
  read_finish_reason(message);
  return true;
}

void LangGraphReader::read_content(const Value& message, Message& known, EventSink& sink) {
  std::size_t text_to_skip = known.text;
  std::size_t reasoning_to_skip = known.reasoning;
  bool has_reasoning = false;
  const auto on_piece = [&](Kind kind, std::string_view piece, std::uint32_t part, std::uint32_t number) {
    const bool is_text = kind == Kind::kText;
    has_reasoning |= !is_text;
    if (mode_ == Mode::kAccumulated) piece = without_last_half(piece);
    const std::string_view rest = rest_of(piece, is_text ? text_to_skip : reasoning_to_skip);
    (is_text ? known.text : known.reasoning) += rest.size();
    const std::uint64_t block = number_in_answer(known.id, static_cast<std::uint64_t>(number) << 32 | part);
    pieces_.hand_on_text(sink, kind, rest, static_cast<std::uint32_t>(block));
  };
  const Value* content = find_member(&message, "content");
  // If a server sends the model's thoughts in both places, they are the same.
  for_each_text_of_content(content, [&](Kind kind, std::string_view, std::uint32_t, std::uint32_t) {
    has_reasoning |= kind == Kind::kReasoning;
  });
  const std::string_view reasoning = find_text(find_member(&message, "additional_kwargs"), "reasoning_content");
  if (!has_reasoning && !reasoning.empty()) on_piece(Kind::kReasoning, reasoning, 0, 0);
  for_each_text_of_content(content, on_piece);
}

// Of a message that is streamed, in chunks; else whole, or as far as it has come.
bool LangGraphReader::read_tool_calls(const Value& message, const Message& known, EventSink& sink) {
  const Value* chunks = find_member(&message, "tool_call_chunks");
  if (chunks != nullptr && chunks->IsArray() && !chunks->Empty()) {
    const ToolCallShape& shape = mode_ == Mode::kAccumulated ? kLangGraphWholeChunk : kLangGraphChunk;
    return std::all_of(chunks->Begin(), chunks->End(), [&](const Value& chunk) {
      return tool_calls_.read(sink, shape, chunk, place_of(chunk, known.id));
    });
  }
  const Value* calls = find_member(&message, "tool_calls");
  if (calls == nullptr || !calls->IsArray()) return true;
  std::uint64_t number = 0;
  return std::all_of(calls->Begin(), calls->End(), [&](const Value& call) {
    return tool_calls_.read(sink, kLangGraphCall, call, number_in_answer(known.id, number++));
  });
}

std::uint64_t LangGraphReader::place_of(const Value& chunk, std::size_t message) {
  if (const std::optional<std::uint64_t> index = index_of(chunk)) return number_in_answer(message, *index);
  const bool is_named = !find_text(&chunk, "id").empty() || !find_text(&chunk, "name").empty();
  if (is_named) ++calls_without_index_;
  return number_in_answer(~message, calls_without_index_);
}

// A delta's tokens are those since the last; an accumulated message's all so far.
void LangGraphReader::read_usage(const Value& message, Message& known, EventSink& sink) {
  const Value* usage = find_member(&message, "usage_metadata");
  if (usage == nullptr) return;
  const Usage counted{
      .input_tokens = find_number(usage, "input_tokens"),
      .output_tokens = find_number(usage, "output_tokens"),
      .cached_tokens = find_number(find_member(usage, "input_token_details"), "cache_read"),
      .reasoning_tokens = find_number(find_member(usage, "output_token_details"), "reasoning")};
  for (const auto count : {&Usage::input_tokens, &Usage::output_tokens, &Usage::cached_tokens, &Usage::reasoning_tokens}) {
    if (!(counted.*count)) continue;
    usage_.*count = (usage_.*count).value_or(0) + *(counted.*count) - (known.usage.*count).value_or(0);
    known.usage.*count = counted.*count;
  }
  sink.on_usage(usage_);
}

void LangGraphReader::read_finish_reason(const Value& message) {
  if (id_of(message) != last_message_) finish_reason_ = FinishReason::kStop;
  last_message_ = id_of(message);
  const Value* metadata = find_member(&message, "response_metadata");
  for (const char* name : {"finish_reason", "stop_reason"}) {
    finish_reason_ = reason_of(find_text(metadata, name)).value_or(finish_reason_);
  }
}

}  // namespace streaming
