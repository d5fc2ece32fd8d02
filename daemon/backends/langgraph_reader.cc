#include "backends/langgraph_reader.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <functional>
#include <optional>

#include "backends/json_fields.h"
#include "base/limits.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Kind = AnswerEvent::Kind;

bool is_models(const Value& message) {
  const std::string_view type = find_text(&message, "type");
  return type == "ai" || type == "AIMessageChunk" || type == "AIMessage";
}

std::size_t id_of(const Value& message) {
  return std::hash<std::string_view>()(find_text(&message, "id"));
}

// What of `text` lies behind the first `skip` bytes of the text that it is the next piece of, and counts `skip` down.
std::string_view rest_of(std::string_view text, std::size_t& skip) {
  std::size_t begin = std::min(skip, text.size());
  skip -= begin;
  // Text that was not only added to is not ours to mend, but no character is cut.
  while (begin < text.size() && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) ++begin;
  return text.substr(begin);
}

bool is_shallow(const Value& value, std::uint32_t levels) {
  if (levels == 0) return false;
  if (value.IsObject()) {
    return std::all_of(value.MemberBegin(), value.MemberEnd(),
                       [levels](const auto& member) { return is_shallow(member.value, levels - 1); });
  }
  return !value.IsArray() || std::all_of(value.Begin(), value.End(),
                                         [levels](const Value& element) { return is_shallow(element, levels - 1); });
}

// Nothing where it is nested too deep to be written by recursion.
std::optional<std::string> written(const Value& value) {
  if (!is_shallow(value, kMaxJsonDepth)) return std::nullopt;
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return std::string(buffer.GetString(), buffer.GetSize());
}

// A part of a message's content: how vendors write text and reasoning.
template <typename OnPiece>
void for_each_piece(const Value& part, OnPiece&& on_piece) {
  if (part.IsString()) return on_piece(Kind::kText, std::string_view(part.GetString(), part.GetStringLength()));
  const std::string_view type = find_text(&part, "type");
  if (type == "text") return on_piece(Kind::kText, find_text(&part, "text"));
  if (type == "thinking") return on_piece(Kind::kReasoning, find_text(&part, "thinking"));
  if (type != "reasoning") return;
  on_piece(Kind::kReasoning, find_text(&part, "reasoning"));
  const Value* summary = find_member(&part, "summary");
  if (summary == nullptr || !summary->IsArray()) return;
  for (const Value& piece : summary->GetArray()) on_piece(Kind::kReasoning, find_text(&piece, "text"));
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
  auto on_piece = [&](Kind kind, std::string_view piece) {
    const bool is_text = kind == Kind::kText;
    if (mode_ == Mode::kAccumulated) piece = without_last_half(piece);
    const std::string_view rest = rest_of(piece, is_text ? text_to_skip : reasoning_to_skip);
    (is_text ? known.text : known.reasoning) += rest.size();
    pieces_.hand_on_text(sink, kind, rest);
  };
  on_piece(Kind::kReasoning, find_text(find_member(&message, "additional_kwargs"), "reasoning_content"));
  const Value* content = find_member(&message, "content");
  if (content == nullptr) return;
  if (!content->IsArray()) return for_each_piece(*content, on_piece);
  for (const Value& part : content->GetArray()) for_each_piece(part, on_piece);
}

// Of a message that is streamed, in pieces; else whole, with the arguments as an object.
bool LangGraphReader::read_tool_calls(const Value& message, const Message& known, EventSink& sink) {
  const Value* chunks = find_member(&message, "tool_call_chunks");
  if (chunks != nullptr && chunks->IsArray() && !chunks->Empty()) {
    return std::all_of(chunks->Begin(), chunks->End(),
                       [&](const Value& chunk) { return read_tool_call_chunk(known, chunk, sink); });
  }
  const Value* calls = find_member(&message, "tool_calls");
  if (calls == nullptr || !calls->IsArray()) return true;
  std::uint64_t number = 0;
  return std::all_of(calls->Begin(), calls->End(),
                     [&](const Value& call) { return read_whole_tool_call(known, number++, call, sink); });
}

bool LangGraphReader::read_tool_call_chunk(const Message& message, const Value& chunk, EventSink& sink) {
  ToolCall* known = find_tool_call(message.id, find_count(&chunk, "index"));
  if (known == nullptr) return false;
  if (!known->named) begin_tool_call(*known, chunk, sink);
  std::size_t to_skip = mode_ == Mode::kAccumulated ? known->input : 0;
  const std::string_view input = find_text(&chunk, "args");
  hand_on_input(*known, rest_of(mode_ == Mode::kAccumulated ? without_last_half(input) : input, to_skip), sink);
  return true;
}

bool LangGraphReader::read_whole_tool_call(const Message& message, std::uint64_t number, const Value& call,
                                           EventSink& sink) {
  ToolCall* known = find_tool_call(message.id, number);
  if (known == nullptr) return false;
  if (known->named) return true;
  const Value* arguments = find_member(&call, "args");
  const std::optional<std::string> text = arguments == nullptr ? std::string("{}") : written(*arguments);
  if (!text) return false;
  begin_tool_call(*known, call, sink);
  hand_on_input(*known, *text, sink);
  return true;
}

void LangGraphReader::begin_tool_call(ToolCall& known, const Value& call, EventSink& sink) {
  const std::string_view name = find_text(&call, "name");
  known.named = !name.empty();
  const auto index = static_cast<std::uint32_t>(&known - tool_calls_.data());
  if (known.named) pieces_.hand_on_tool_call(sink, index, find_text(&call, "id"), name);
}

void LangGraphReader::hand_on_input(ToolCall& known, std::string_view input, EventSink& sink) {
  known.input += input.size();
  const auto index = static_cast<std::uint32_t>(&known - tool_calls_.data());
  pieces_.hand_on_text(sink, Kind::kToolInput, input, index);
}

// A delta's tokens are those since the last; an accumulated message's all so far.
void LangGraphReader::read_usage(const Value& message, Message& known, EventSink& sink) {
  const Value* usage = find_member(&message, "usage_metadata");
  if (usage == nullptr) return;
  const Usage counted{.input_tokens = find_count(usage, "input_tokens"),
                      .output_tokens = find_count(usage, "output_tokens")};
  usage_.input_tokens += counted.input_tokens - known.usage.input_tokens;
  usage_.output_tokens += counted.output_tokens - known.usage.output_tokens;
  known.usage = counted;
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

LangGraphReader::ToolCall* LangGraphReader::find_tool_call(std::size_t message, std::uint64_t number) {
  // Most often it is the last.
  const auto call = std::find_if(tool_calls_.rbegin(), tool_calls_.rend(),
                                 [=](const ToolCall& one) { return one.message == message && one.number == number; });
  if (call != tool_calls_.rend()) return &*call;
  if (tool_calls_.size() == kMaxRunParts) return nullptr;
  tool_calls_.push_back({.message = message, .number = number, .input = 0, .named = false});
  return &tool_calls_.back();
}

}  // namespace streaming
