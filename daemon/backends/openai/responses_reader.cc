// SPDX-License-Identifier: Apache-2.0
#include "backends/openai/responses_reader.h"

#include <algorithm>

#include "backends/json_fields.h"
#include "backends/limits.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Kind = AnswerEvent::Kind;

// What says something to the client: events STEM.delta, with a piece as `delta`, and STEM.done, with all of it in
// `member`; in items, parts of type `part`.
struct TextSource {
  std::string_view stem;
  std::string_view part;
  const char* member;
  const char* index;  // which part of its item
  Kind kind;
};

constexpr TextSource kTextSources[] = {
    {"response.output_text", "output_text", "text", "content_index", Kind::kText},
    // A refusal is text in place of an answer.
    {"response.refusal", "refusal", "refusal", "content_index", Kind::kText},
    {"response.reasoning_text", "reasoning_text", "text", "content_index", Kind::kReasoning},
    {"response.reasoning_summary_text", "summary_text", "text", "summary_index", Kind::kReasoning},
};

const Value* find_list(const Value* object, const char* name) {
  const Value* list = find_member(object, name);
  return list != nullptr && list->IsArray() ? list : nullptr;
}

std::uint32_t find_index(const Value& event, const char* name) {
  return static_cast<std::uint32_t>(find_count(&event, name));
}

// Takes ".delta" or ".done" off `type`, as `end`.
bool take_end(std::string_view& type, std::string_view end) {
  if (!type.ends_with(end)) return false;
  type.remove_suffix(end.size());
  return true;
}

void read_usage(const Value* response, EventSink& sink) {
  const Value* usage = find_member(response, "usage");
  if (usage == nullptr) return;
  sink.on_usage({.input_tokens = find_number(usage, "input_tokens"),
                 .output_tokens = find_number(usage, "output_tokens"),
                 .cached_tokens = find_number(find_member(usage, "input_tokens_details"), "cached_tokens"),
                 .reasoning_tokens = find_number(find_member(usage, "output_tokens_details"), "reasoning_tokens")});
}

FinishReason reason_of_incomplete(const Value* response) {
  const std::string_view reason = find_text(find_member(response, "incomplete_details"), "reason");
  if (reason == "max_output_tokens") return FinishReason::kLength;
  if (reason == "content_filter") return FinishReason::kContentFilter;
  return FinishReason::kOther;
}

}  // namespace

AnswerReader::Verdict ResponsesReader::read(SseEvent& event, EventSink& sink) {
  if (says_nothing(event.data)) return Verdict::kGoesOn;
  TypedObject object;
  if (!object.parse(event.data, event.type)) return Verdict::kMalformed;
  const Value& root = object.root();
  const std::string_view type = object.type();
  // Gateways report errors as they do for Chat Completions.
  const bool has_error = !object.has_type_member() && is_truthy(find_member(&root, "error"));
  if (type == "error" || has_error) return Verdict::kReported;
  if (type == "response.completed" || type == "response.incomplete" || type == "response.failed") {
    return read_last_event(type, find_member(&root, "response"), sink);
  }
  return read_event(type, root, sink) ? Verdict::kGoesOn : Verdict::kMalformed;
}

AnswerReader::Verdict ResponsesReader::read_last_event(std::string_view type, const Value* response, EventSink& sink) {
  read_usage(response, sink);
  if (type == "response.failed") return Verdict::kReported;
  if (!read_output(find_list(response, "output"), sink)) return Verdict::kMalformed;
  if (type == "response.incomplete") {
    finish_reason_ = reason_of_incomplete(response);
  } else {
    finish_reason_ = tool_calls_.empty() ? FinishReason::kStop : FinishReason::kToolCalls;
  }
  return Verdict::kEnd;
}

void ResponsesReader::finish(EventSink& sink) {
  pieces_.finish(sink);
  tool_calls_.finish(sink);
}

bool ResponsesReader::read_event(std::string_view type, const Value& event, EventSink& sink) {
  if (read_text(type, event, sink) || read_input(type, event, sink)) return true;
  const Value* item = find_member(&event, "item");
  if (type == "response.output_item.done") {
    return item == nullptr || read_whole_item(*item, find_index(event, "output_index"), sink);
  }
  if (type == "response.output_item.added") {
    const ToolCallShape* shape = item == nullptr ? nullptr : find_shape(kResponsesBegunItems, *item);
    return shape == nullptr || is_vendors(*item) ||
           tool_calls_.read(sink, *shape, *item, find_count(&event, "output_index"));
  }
  if (type == "response.created" || type == "response.in_progress") read_tools(find_member(&event, "response"));
  return true;
}

// --- Texts ----------------------------------------------------------------------------------------------------------

bool ResponsesReader::read_text(std::string_view type, const Value& event, EventSink& sink) {
  const bool is_piece = take_end(type, ".delta");
  if (!is_piece && !take_end(type, ".done")) return false;
  for (const TextSource& source : kTextSources) {
    if (type != source.stem) continue;
    const Part part{.item = find_index(event, "output_index"),
                    .number = find_index(event, source.index),
                    .source = static_cast<std::uint8_t>(&source - kTextSources)};
    if (is_piece) {
      hand_on(sink, part, find_text(&event, "delta"));
    } else if (number_of(part) == parts_.size() && parts_.size() < kMaxRunParts) {
      hand_on(sink, part, find_text(&event, source.member));
    }
    return true;
  }
  return false;
}

void ResponsesReader::read_texts(const Value& item, std::uint32_t output_index, EventSink& sink) {
  const bool takes_text = !has_texts_of_item(output_index, Kind::kText);
  const bool takes_reasoning = !has_texts_of_item(output_index, Kind::kReasoning);
  for (const char* list_name : {"summary", "content"}) {
    const Value* list = find_list(&item, list_name);
    if (list == nullptr) continue;
    std::uint32_t number = 0;
    for (const Value& element : list->GetArray()) {
      const std::string_view type = find_text(&element, "type");
      const auto source = std::find_if(std::begin(kTextSources), std::end(kTextSources),
                                       [type](const TextSource& one) { return one.part == type; });
      if (source != std::end(kTextSources) && (source->kind == Kind::kText ? takes_text : takes_reasoning)) {
        const Part part{.item = output_index,
                        .number = number,
                        .source = static_cast<std::uint8_t>(source - std::begin(kTextSources))};
        hand_on(sink, part, find_text(&element, source->member));
      }
      ++number;
    }
  }
}

std::uint32_t ResponsesReader::number_of(const Part& part) const {
  // Most often it is the last.
  const auto known = std::find(parts_.rbegin(), parts_.rend(), part);
  return static_cast<std::uint32_t>(known == parts_.rend() ? parts_.size() : parts_.rend() - known - 1);
}

void ResponsesReader::hand_on(EventSink& sink, const Part& part, std::string_view text) {
  if (text.empty()) return;
  const std::uint32_t number = number_of(part);
  if (number == parts_.size() && number < kMaxRunParts) parts_.push_back(part);
  pieces_.hand_on_text(sink, kTextSources[part.source].kind, text, number);
}

bool ResponsesReader::has_texts_of(Kind kind) const {
  return std::any_of(parts_.begin(), parts_.end(),
                     [kind](const Part& part) { return kTextSources[part.source].kind == kind; });
}

bool ResponsesReader::has_texts_of_item(std::uint32_t item, Kind kind) const {
  return std::any_of(parts_.begin(), parts_.end(), [item, kind](const Part& part) {
    return part.item == item && kTextSources[part.source].kind == kind;
  });
}

// --- Calls of tools -------------------------------------------------------------------------------------------------

bool ResponsesReader::read_input(std::string_view type, const Value& event, EventSink& sink) {
  const bool is_piece = take_end(type, ".delta");
  if (!is_piece && !take_end(type, ".done")) return false;
  const bool is_plain = type == "response.custom_tool_call_input";
  if (!is_plain && type != "response.function_call_arguments") return false;
  const std::uint64_t place = find_count(&event, "output_index");
  if (is_piece) {
    tool_calls_.add_input(sink, place, find_text(&event, "delta"));
  } else {
    tool_calls_.take_whole_input(sink, place, find_text(&event, is_plain ? "input" : "arguments"));
  }
  return true;
}

bool ResponsesReader::read_call(const Value& item, std::uint64_t output_index, EventSink& sink) {
  const ToolCallShape* shape = find_shape(kResponsesBegunItems, item);
  if (shape == nullptr) shape = find_shape(kResponsesWholeItems, item);
  return shape == nullptr || is_vendors(item) || tool_calls_.read(sink, *shape, item, output_index);
}

// Whether the vendor carries the call out itself: its result comes in the same answer.
bool ResponsesReader::is_vendors(const Value& item) const {
  if (find_text(&item, "type") == "custom_tool_call") return custom_tools_are_the_vendors_;
  return find_text(&item, "execution") == "server" ||
         find_text(find_member(&item, "environment"), "type").starts_with("container");
}

// A response names the tools that the request has given it. xAI's search makes custom calls that are its own.
void ResponsesReader::read_tools(const Value* response) {
  const Value* tools = find_list(response, "tools");
  custom_tools_are_the_vendors_ = tools != nullptr && !tools->Empty() &&
                                  std::none_of(tools->Begin(), tools->End(),
                                               [](const Value& tool) { return find_text(&tool, "type") == "custom"; });
}

// --- Whole items ----------------------------------------------------------------------------------------------------

bool ResponsesReader::read_whole_item(const Value& item, std::uint32_t output_index, EventSink& sink) {
  read_texts(item, output_index, sink);
  return read_call(item, output_index, sink);
}

// The last event repeats the whole output; positions in it need not be those of the events before. So a text is taken
// only where there was none of its kind at all, a call only where there was none, or for what a known one has not got.
bool ResponsesReader::read_output(const Value* output, EventSink& sink) {
  if (output == nullptr) return true;
  const bool takes_text = !has_texts_of(Kind::kText);
  const bool takes_reasoning = !has_texts_of(Kind::kReasoning);
  const bool takes_calls = tool_calls_.empty();
  std::uint32_t position = 0;
  for (const Value& item : output->GetArray()) {
    if (find_text(&item, "type") == "message" ? takes_text : takes_reasoning) read_texts(item, position, sink);
    const bool is_known = tool_calls_.knows(find_text(&item, "call_id"));
    if ((takes_calls || is_known) && !read_call(item, position, sink)) return false;
    ++position;
  }
  return true;
}

}  // namespace streaming
