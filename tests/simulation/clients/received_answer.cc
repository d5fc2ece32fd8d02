// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/received_answer.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "simulation/clients/event_stream.h"

namespace streaming::simulation {
namespace {

using End = ReceivedAnswer::End;

class Reading {
 public:
  explicit Reading(const AnswerForm& form) : form_(form), next_number_(form.after + 1) {}

  ReceivedAnswer read(std::string_view body) {
    // An API's own events are passed on as they are.
    const bool is_passed_on = form_.format == AnswerFormat::kRaw && form_.is_of_api;
    const EventStream stream = read_event_stream(body, !is_passed_on);
    answer_.problem = stream.problem;
    answer_.cut = stream.incomplete;
    for (const EventFrame& frame : stream.frames) {
      if (!answer_.problem.empty()) break;
      is_first_ ? read_first(frame) : read_frame(frame);
    }
    if (answer_.end != End::kNone && !answer_.cut.empty()) complain("bytes behind the end", answer_.cut);
    return std::move(answer_);
  }

 private:
  using Json = rapidjson::Document;

  void complain(std::string_view what, std::string_view where) {
    if (!answer_.problem.empty()) return;
    answer_.problem = std::string(what) + ": " + std::string(where.substr(0, 300));
  }

  // The comment that belongs to the head.
  void read_first(const EventFrame& frame) {
    is_first_ = false;
    if (frame.bytes != ":\n\n") complain("no comment behind the head", frame.bytes);
  }

  void read_frame(const EventFrame& frame) {
    if (answer_.end != End::kNone) return complain("a frame behind the end", frame.bytes);
    if (frame.id == "error") return read_error(frame);
    if (!frame.has_data && frame.comment == "stopped" && form_.format == AnswerFormat::kRaw) return read_stop(frame);
    if (!frame.has_data && !frame.has_id) return read_comment(frame);
    if (form_.format == AnswerFormat::kUiMessage) return read_ui_frame(frame);
    const bool is_upstream =
        form_.format == AnswerFormat::kRaw && (form_.is_of_api || (is_stopped_ && !frame.has_data));
    if (is_upstream) return read_upstream_event(frame);
    read_content(frame);
  }

  void read_comment(const EventFrame& frame) {
    if (!frame.type.empty() || frame.retry_ms >= 0 || frame.comment != "ping")
      complain("an unknown comment", frame.bytes);
  }

  // In kRaw, of an answer of which nothing but an API's own events has come.
  void read_stop(const EventFrame& frame) {
    if (!answer_.text.empty() || is_stopped_) complain("no stop of an API's answer", frame.bytes);
    check_number(frame, form_.is_kept && !form_.has_done_event);
    is_stopped_ = true;
    begin_end(frame);
    if (!form_.has_done_event) answer_.end = End::kStopped;
  }

  // --- Numbers ------------------------------------------------------------------------------------------------------

  void take_event(const EventFrame& frame) {
    if (ends_) return complain("an event within the end", frame.bytes);
    answer_.events.emplace_back(frame.bytes);
    ++next_number_;
  }
  void check_number(const EventFrame& frame, bool has_number) {
    const std::string number = has_number ? std::to_string(next_number_) : std::string();
    const bool has_own_ids = form_.format == AnswerFormat::kRaw && form_.is_of_api;
    if (frame.id != number && !has_own_ids) complain("not the id \"" + number + "\"", frame.bytes);
  }

  // --- content ------------------------------------------------------------------------------------------------------

  void read_content(const EventFrame& frame) {
    if (frame.retry_ms >= 0) return complain("a time to retry", frame.bytes);
    if (frame.type == "done") return read_done_event(frame);
    if (!frame.type.empty()) return complain("an unknown type", frame.bytes);
    if (frame.data == "[DONE]") return read_done(frame);
    const Json json = parse(frame);
    if (json.IsObject() && json.MemberCount() == 1 && json.HasMember("content") && json["content"].IsString()) {
      check_number(frame, form_.is_kept);
      take_event(frame);
      answer_.text += text_of(json["content"]);
    } else if (frame.data == "{\"stopped\":true}" && !ends_) {
      check_number(frame, form_.is_kept && !form_.has_done_event);
      begin_end(frame);
      is_stopped_ = true;
    } else {
      complain("no event of content", frame.bytes);
    }
  }

  void begin_end(const EventFrame& frame) {
    ends_ = true;
    answer_.end_bytes += frame.bytes;
  }

  void read_done_event(const EventFrame& frame) {
    if (!form_.has_done_event || frame.id != "done" || frame.data != "{}" || is_done_) {
      return complain("no event of type done", frame.bytes);
    }
    is_done_ = true;
    begin_end(frame);
  }

  void read_done(const EventFrame& frame) {
    if (is_done_ != form_.has_done_event) return complain("no event of type done before", frame.bytes);
    check_number(frame, form_.is_kept && !is_done_ && !is_stopped_);
    begin_end(frame);
    answer_.end = is_stopped_ ? End::kStopped : End::kDone;
  }

  // --- raw ----------------------------------------------------------------------------------------------------------

  void read_upstream_event(const EventFrame& frame) {
    if (form_.has_done_event && frame.id == "done" && !frame.has_data) {
      answer_.end_bytes += frame.bytes;
      answer_.end = is_stopped_ ? End::kStopped : End::kDone;
      return;
    }
    if (is_stopped_) return complain("an event behind the stop", frame.bytes);
    take_event(frame);
  }

  // --- ui-message ---------------------------------------------------------------------------------------------------

  void read_ui_frame(const EventFrame& frame) {
    if (frame.has_id || !frame.type.empty() || frame.retry_ms >= 0) return complain("more than data", frame.bytes);
    if (frame.data == "[DONE]") {
      if (!is_done_ && !is_stopped_) return complain("neither finish nor abort before", frame.bytes);
      begin_end(frame);
      answer_.end = is_stopped_ ? End::kStopped : End::kDone;
      return;
    }
    const Json json = parse(frame);
    if (!json.IsObject()) return complain("no object", frame.bytes);
    const std::string type = member(json, "type");
    if (type == "error" && has_error_data_) {
      answer_.end_bytes += frame.bytes;
      answer_.end = End::kError;
      return;
    }
    if (has_error_data_) return complain("no error behind its data", frame.bytes);
    if (type == "data-error") return read_error_data(json, frame);
    if (is_done_ || is_stopped_) return complain("a frame behind finish or abort", frame.bytes);
    read_ui_part(type, json, frame);
  }

  void read_error_data(const Json& json, const EventFrame& frame) {
    has_error_data_ = true;
    begin_end(frame);
    if (!json.HasMember("data") || !json["data"].IsObject() || !json["data"].HasMember("code")) {
      return complain("no code of an error", frame.bytes);
    }
    answer_.error_code = text_of(json["data"]["code"]);
  }

  void read_ui_part(const std::string& type, const Json& json, const EventFrame& frame) {
    const std::string id = member(json, "id");
    const bool is_delta = type == "text-delta" || type == "reasoning-delta";
    if (!has_started_ && type != "start") return complain("a frame before start", frame.bytes);
    if (type == "start" && has_started_) return complain("a second start", frame.bytes);
    has_started_ = true;
    if (type == "text-start" || type == "reasoning-start") {
      if (!open_part_.empty()) complain("a part within a part", frame.bytes);
      open_part_ = type.substr(0, type.find('-')) + id;
    } else if (is_delta || type == "text-end" || type == "reasoning-end") {
      if (open_part_ != type.substr(0, type.find('-')) + id) complain("of a part that is not open", frame.bytes);
      if (!is_delta) open_part_.clear();
      if (is_delta) (type.front() == 't' ? answer_.text : answer_.reasoning) += member(json, "delta");
    } else if (type == "finish" || type == "abort") {
      if (!open_part_.empty()) complain("a part is left open", frame.bytes);
      is_done_ = type == "finish";
      is_stopped_ = !is_done_;
      return begin_end(frame);
    } else if (type != "start" && type != "start-step" && type != "finish-step" && !type.starts_with("tool-input-")) {
      return complain("an unknown type", frame.bytes);
    }
    take_event(frame);
  }

  // --- Errors -------------------------------------------------------------------------------------------------------

  void read_error(const EventFrame& frame) {
    if (form_.format == AnswerFormat::kUiMessage) return complain("an id", frame.bytes);
    if (ends_ || frame.retry_ms < 0)
      return complain("an error within the end, or without a time to retry", frame.bytes);
    answer_.end_bytes += frame.bytes;
    answer_.end = End::kError;
    if (!frame.has_data) {
      if (form_.format != AnswerFormat::kRaw) complain("an error without data", frame.bytes);
      return;
    }
    const Json json = parse(frame);
    const bool is_vendors = form_.format == AnswerFormat::kRaw && frame.type == "error";
    if (!json.IsObject() || (!is_vendors && !frame.type.empty())) return complain("no error", frame.bytes);
    const auto error = json.FindMember("error");
    if (error == json.MemberEnd() || error->value.IsObject() != is_vendors) return complain("no error", frame.bytes);
    const auto& members = is_vendors ? error->value : static_cast<const rapidjson::Value&>(json);
    const auto code = members.FindMember("code");
    if (code == members.MemberEnd() || !code->value.IsString()) return complain("no code", frame.bytes);
    answer_.error_code = text_of(code->value);
  }

  // --- JSON ---------------------------------------------------------------------------------------------------------

  Json parse(const EventFrame& frame) {
    Json json;
    json.Parse<rapidjson::kParseValidateEncodingFlag>(frame.data.data(), frame.data.size());
    if (json.HasParseError()) complain("no JSON", frame.bytes);
    return json;
  }
  static std::string text_of(const rapidjson::Value& value) {
    return value.IsString() ? std::string(value.GetString(), value.GetStringLength()) : std::string();
  }
  static std::string member(const Json& json, const char* name) {
    const auto found = json.FindMember(name);
    return found == json.MemberEnd() ? std::string() : text_of(found->value);
  }

  const AnswerForm& form_;
  ReceivedAnswer answer_;
  std::uint32_t next_number_;
  std::string open_part_;  // of kUiMessage
  bool is_first_ = true;
  bool ends_ = false;     // a frame of the end was read
  bool is_done_ = false;  // the event done, or finish
  bool is_stopped_ = false;
  bool has_started_ = false;     // kUiMessage
  bool has_error_data_ = false;  // likewise
};

}  // namespace

ReceivedAnswer read_answer(std::string_view body, const AnswerForm& form) {
  return Reading(form).read(body);
}

}  // namespace streaming::simulation
