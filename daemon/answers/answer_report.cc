// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_report.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "base/buffer.h"
#include "base/check.h"
#include "sse/json_text.h"
#include "sse/tool_input.h"

namespace streaming {
namespace {

using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write_name(Writer& writer, std::string_view name) {
  writer.Key(name.data(), static_cast<rapidjson::SizeType>(name.size()));
}

void write_string(Writer& writer, std::string_view name, std::string_view text) {
  write_name(writer, name);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

// Absent if it is empty.
void write_known(Writer& writer, std::string_view name, std::string_view text) {
  if (!text.empty()) write_string(writer, name, text);
}

void write_known(Writer& writer, std::string_view name, Usage::Count count) {
  if (!count) return;
  write_name(writer, name);
  writer.Uint64(*count);
}

void write_known(Writer& writer, std::string_view name, std::optional<Duration> duration) {
  if (!duration) return;
  write_name(writer, name);
  writer.Int64(duration->count());
}

// RFC 3339.
void write_time(Writer& writer, std::string_view name, WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  char text[] = "YYYY-MM-DDThh:mm:ss.mmmZ";
  const auto put = [&text](std::size_t begin, std::size_t digits, std::int64_t number) {
    for (; digits > 0; number /= 10) text[begin + --digits] = static_cast<char>('0' + number % 10);
  };
  put(0, 4, static_cast<int>(date.year()));
  put(5, 2, static_cast<unsigned>(date.month()));
  put(8, 2, static_cast<unsigned>(date.day()));
  put(11, 2, clock.hours().count());
  put(14, 2, clock.minutes().count());
  put(17, 2, clock.seconds().count());
  put(20, 3, clock.subseconds().count());
  write_string(writer, name, text);
}

void write_tool_call(Writer& writer, const AnswerRecord::ToolCall& call) {
  // Models often call a tool without parameters without any input.
  const std::string_view input = call.input.empty() ? std::string_view("{}") : call.input;
  writer.StartObject();
  write_known(writer, "id", call.id);
  write_string(writer, "name", call.name);
  if (is_tool_input(input)) {
    write_name(writer, "input");
    writer.RawValue(input.data(), input.size(), rapidjson::kObjectType);
  } else {
    write_string(writer, "input_text", input);
  }
  writer.EndObject();
}

void write_tool_calls(Writer& writer, const AnswerRecord& record) {
  bool any = false;
  for (const AnswerRecord::ToolCall& call : record.tool_calls()) {
    if (call.name.empty()) continue;  // there is no tool to call
    if (!std::exchange(any, true)) {
      write_name(writer, "tool_calls");
      writer.StartArray();
    }
    write_tool_call(writer, call);
  }
  if (any) writer.EndArray();
}

void write_usage(Writer& writer, const Usage& usage) {
  if (usage == Usage{}) return;
  write_name(writer, "usage");
  writer.StartObject();
  write_known(writer, "input_tokens", usage.input_tokens);
  write_known(writer, "output_tokens", usage.output_tokens);
  write_known(writer, "cached_tokens", usage.cached_tokens);
  write_known(writer, "reasoning_tokens", usage.reasoning_tokens);
  writer.EndObject();
}

// A text may be long, and by the Writer each of its bytes costs several times as much.
void append_text_member(std::string& report, std::string_view name, std::string_view text) {
  Buffer escaped;
  escaped.reserve(text.size());
  append_json_text(escaped, text);
  report.append(",\"").append(name).append("\":\"").append(escaped.view()).append("\"");
}

}  // namespace

WallTime wall_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
}

std::string begin_report(const HandoffRequest& request, std::string_view backend, std::string_view model,
                         WallTime started) {
  rapidjson::StringBuffer text;
  Writer writer(text);
  writer.StartObject();
  write_string(writer, "type", "answer.ended");
  write_known(writer, "answer_id", request.answer_id);
  write_known(writer, "request_id", request.request_id);
  write_known(writer, "user_id", request.user_id);
  write_string(writer, "backend", backend);
  write_known(writer, "model", model);
  write_time(writer, "started_at", started);
  if (!request.on_end_data.empty()) {
    write_name(writer, "data");
    writer.RawValue(request.on_end_data.data(), request.on_end_data.size(), rapidjson::kObjectType);
  }
  return {text.GetString(), text.GetSize()};
}

std::string whole_report(std::string beginning, const AnswerRecord& record, const AnswerEnd& end) {
  rapidjson::StringBuffer text;
  Writer writer(text);
  writer.StartObject();
  write_string(writer, "cause", end.cause);
  if (end.reason) write_string(writer, "finish_reason", word_of(*end.reason));
  write_tool_calls(writer, record);
  write_usage(writer, record.usage());
  if (end.ended) write_time(writer, "ended_at", *end.ended);
  write_known(writer, "first_event_ms", end.first_event);
  write_known(writer, "duration_ms", end.duration);
  write_name(writer, "cut_at_limit");
  writer.Bool(record.cut());
  writer.EndObject();
  CHECK(!beginning.empty());
  constexpr std::size_t kNames = 64;
  beginning.reserve(beginning.size() + record.text().size() + record.reasoning().size() + text.GetSize() + kNames);
  append_text_member(beginning, "text", record.text());
  if (!record.reasoning().empty()) append_text_member(beginning, "reasoning", record.reasoning());
  beginning += ',';
  return beginning.append(text.GetString() + 1, text.GetSize() - 1);
}

std::string with_client_has_end(std::string report, std::optional<bool> client_has_end) {
  if (!client_has_end) return report;
  return std::string(kClientHasEnd).append(*client_has_end ? "true," : "false,").append(report, 1);
}

}  // namespace streaming
