// SPDX-License-Identifier: Apache-2.0
#include "handoff/request_fields.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "handoff/limits.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;

// The state of one reading: the request, and values that are combined when all fields have been read.
struct Reading {
  HandoffRequest& request;
  const Value* apache_headers = nullptr;
  const Value* response_headers = nullptr;
  const Value* run_body = nullptr;
  const Value* lg = nullptr;  // an object
  bool has_on_disconnect = false;
};

// What is wrong with a value, worded to follow the field's name; null if the value is accepted.
using Complaint = const char*;

struct Field {
  std::string_view name;
  Complaint (*read)(const Value& value, Reading& reading);
};

// --- Values ---------------------------------------------------------------------------------------------------------

template <std::string_view HandoffRequest::* member>
Complaint read_text(const Value& value, Reading& reading) {
  if (!value.IsString()) return "must be a string";
  reading.request.*member = text_of(value);
  return nullptr;
}

// A short text that goes into a header unchanged.
template <std::string_view HandoffRequest::* member>
Complaint read_header_value(const Value& value, Reading& reading) {
  if (!value.IsString() || !is_header_value(text_of(value))) return "must be a string without control characters";
  static_assert(kMaxHeaderValueBytes == 4096);
  if (value.GetStringLength() > kMaxHeaderValueBytes) return "must have at most 4096 bytes";
  reading.request.*member = text_of(value);
  return nullptr;
}

Complaint read_model(const Value& value, Reading& reading) {
  static_assert(kMaxIdBytes == 256);
  if (value.IsString() && value.GetStringLength() > kMaxIdBytes) return "must have at most 256 bytes";
  return read_text<&HandoffRequest::model>(value, reading);
}

Complaint read_request_id(const Value& value, Reading& reading) {
  if (value.IsString() && value.GetStringLength() > kMaxIdBytes) return "must have at most 256 bytes";
  return read_header_value<&HandoffRequest::request_id>(value, reading);
}

// Names a file or a row without being escaped.
Complaint read_answer_id(const Value& value, Reading& reading) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
  static_assert(kMaxAnswerIdBytes == 128);
  const bool valid = value.IsString() && value.GetStringLength() > 0 && value.GetStringLength() <= kMaxAnswerIdBytes &&
                     text_of(value).find_first_not_of(kAllowed) == std::string_view::npos;
  if (!valid) return "must be a string of 1 to 128 letters, digits and \"._:-\"";
  reading.request.answer_id = text_of(value);
  return nullptr;
}

Complaint read_action(const Value& value, Reading& reading) {
  for (const auto& [name, action] : {std::pair{"ask", AnswerAction::kAsk},
                                     {"follow", AnswerAction::kFollow},
                                     {"stop", AnswerAction::kStop}}) {
    if (value != name) continue;
    reading.request.action = action;
    return nullptr;
  }
  return "must be \"ask\", \"follow\" or \"stop\"";
}

Complaint read_after(const Value& value, Reading& reading) {
  if (value.IsUint64()) {
    reading.request.after = reading.request.json.keep(std::to_string(value.GetUint64()));
    return nullptr;
  }
  if (!value.IsString()) return "must be an event's number or id";
  if (value.GetStringLength() > kMaxIdBytes) return "must have at most 256 bytes";
  reading.request.after = text_of(value);
  return nullptr;
}

Complaint read_user_id(const Value& value, Reading& reading) {
  if (value.IsInt64()) {
    reading.request.user_id = std::to_string(value.GetInt64());
    return nullptr;
  }
  if (!value.IsString()) return "must be an integer or a string";
  if (value.GetStringLength() > kMaxIdBytes) return "must have at most 256 bytes";
  reading.request.user_id = text_of(value);
  return nullptr;
}

Complaint read_on_end(const Value& value, Reading& reading) {
  static_assert(kMaxHookNameBytes == 64);
  const bool valid = value.IsString() && value.GetStringLength() > 0 && value.GetStringLength() <= kMaxHookNameBytes;
  if (!valid) return "must be the name of a hook";
  reading.request.on_end = text_of(value);
  return nullptr;
}

std::string_view json_of(const Value& value, PayloadJson& json) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return json.keep(std::string(buffer.GetString(), buffer.GetSize()));
}

Complaint read_on_end_data(const Value& value, Reading& reading) {
  static_assert(kMaxReportDataBytes == 64 * 1024);
  reading.request.on_end_data = json_of(value, reading.request.json);
  return reading.request.on_end_data.size() > kMaxReportDataBytes ? "must have at most 65536 bytes as JSON" : nullptr;
}

template <const Value* HandoffRequest::* member>
Complaint read_array(const Value& value, Reading& reading) {
  if (!value.IsArray()) return "must be an array";
  reading.request.*member = &value;
  return nullptr;
}

Complaint read_attachments(const Value& value, Reading& reading) {
  if (!value.IsArray() && !value.IsObject()) return "must be an array of paths, or an object with a path for each name";
  reading.request.attachments = &value;
  return nullptr;
}

template <const Value* HandoffRequest::* member>
Complaint read_any(const Value& value, Reading& reading) {
  reading.request.*member = &value;
  return nullptr;
}

// PHP writes an empty array for an empty object. Null if the value is neither.
const Value* as_object(const Value& value) {
  static const Value kEmpty(rapidjson::kObjectType);
  if (value.IsArray() && value.Empty()) return &kEmpty;
  return value.IsObject() ? &value : nullptr;
}

template <const Value* HandoffRequest::* member>
Complaint read_object(const Value& value, Reading& reading) {
  reading.request.*member = as_object(value);
  return reading.request.*member == nullptr ? "must be an object" : nullptr;
}

template <const Value* Reading::* member>
Complaint keep_object(const Value& value, Reading& reading) {
  reading.*member = as_object(value);
  return reading.*member == nullptr ? "must be an object" : nullptr;
}

Complaint read_stream_mode(const Value& value, Reading& reading) {
  const bool words = value.IsString() ||
                     (value.IsArray() &&
                      std::all_of(value.Begin(), value.End(), [](const Value& word) { return word.IsString(); }));
  if (!words) return "must be a string or an array of strings";
  reading.request.stream_mode = &value;
  return nullptr;
}

Complaint read_max_tokens(const Value& value, Reading& reading) {
  if (!value.IsInt64() || value.GetInt64() <= 0) return "must be a positive integer";
  reading.request.max_tokens = value.GetInt64();
  return nullptr;
}

Complaint read_temperature(const Value& value, Reading& reading) {
  if (!value.IsNumber()) return "must be a number";
  reading.request.temperature = value.GetDouble();
  return nullptr;
}

Complaint read_on_disconnect(const Value& value, Reading& reading) {
  if (value != "cancel" && value != "continue" && value != "") return "must be \"cancel\" or \"continue\"";
  reading.request.continue_without_client = value == "continue";
  reading.has_on_disconnect = value != "";
  return nullptr;
}

// The member that mod_socket_handoff inserts: {"headers": [["Name", "value"], ...], "request_id": "...", ...}. A fact
// of another type counts as absent.
Complaint read_apache(const Value& value, Reading& reading) {
  if (!value.IsObject()) return "must be an object";
  ApacheFacts& facts = reading.request.apache;
  for (const auto& [name, fact] :
       {std::pair{"request_id", &facts.request_id},
        {"client", &facts.client},
        {"uri", &facts.path},
        {"protocol", &facts.protocol},
        {"last_event_id", &facts.last_event_id},
        {"browser", &facts.browser}}) {
    const auto member = value.FindMember(name);
    if (member != value.MemberEnd() && member->value.IsString()) *fact = text_of(member->value);
  }
  const auto headers = value.FindMember("headers");
  if (headers == value.MemberEnd()) return nullptr;
  constexpr Complaint kNoPairs = "must have \"headers\" that are an array of pairs of strings";
  if (!headers->value.IsArray()) return kNoPairs;
  for (const Value& pair : headers->value.GetArray()) {
    const bool is_pair = pair.IsArray() && pair.Size() == 2 && pair[0].IsString() && pair[1].IsString();
    if (!is_pair) return kNoPairs;
  }
  reading.apache_headers = &headers->value;
  return nullptr;
}

Complaint read_response_headers(const Value& value, Reading& reading) {
  constexpr Complaint kNoScalars = "must be an object of strings and numbers";
  reading.response_headers = as_object(value);
  if (reading.response_headers == nullptr) return kNoScalars;
  for (const auto& header : reading.response_headers->GetObject()) {
    if (header.value.IsObject() || header.value.IsArray()) return kNoScalars;
  }
  return nullptr;
}

// Other daemons take a text: "profile|url|key".
Complaint read_lg(const Value& value, Reading& reading) {
  if (!value.IsString()) return keep_object<&Reading::lg>(value, reading);
  const std::string_view text = text_of(value);
  const std::size_t end = text.find('|');
  if (end != std::string_view::npos && text.find_first_not_of('|', end) != std::string_view::npos) {
    return "must not contain a URL or a key: set them in the configuration, in backend.langgraph or a profile of it";
  }
  if (reading.request.profile.empty()) reading.request.profile = text.substr(0, end);
  return nullptr;
}

// A field of another daemon. Ignoring it would send the request to the wrong server.
Complaint refuse_server(const Value&, Reading&) {
  return "is not accepted: set servers and keys in the configuration, and choose by \"profile\"";
}

// --- Fields ---------------------------------------------------------------------------------------------------------

using Request = HandoffRequest;

// By name.
constexpr Field kFields[] = {
    {"action", read_action},
    {"after", read_after},
    {"answer_id", read_answer_id},
    {"apache", read_apache},
    {"assistant_id", read_text<&Request::assistant_id>},
    {"attachment_types", read_any<&Request::attachment_types>},
    {"attachments", read_attachments},
    {"backend", read_text<&Request::backend>},
    {"format", read_text<&Request::format>},
    {"image_base64", read_text<&Request::image_base64>},
    {"image_mime_type", read_text<&Request::image_mime_type>},
    {"image_path", read_text<&Request::image_path>},
    {"image_paths", read_array<&Request::image_paths>},
    {"images", read_array<&Request::images>},
    {"langgraph_api_key", refuse_server},
    {"langgraph_input", read_object<&Request::langgraph_input>},
    {"langgraph_url", refuse_server},
    {"lg", read_lg},
    {"lg_body", keep_object<&Reading::run_body>},
    {"max_tokens", read_max_tokens},
    {"messages", read_array<&Request::messages>},
    {"model", read_model},
    {"on_disconnect", read_on_disconnect},
    {"on_end", read_on_end},
    {"on_end_data", read_on_end_data},
    {"profile", read_text<&Request::profile>},
    {"prompt", read_text<&Request::prompt>},
    {"request", read_object<&Request::request>},
    {"request_id", read_request_id},
    {"response_headers", read_response_headers},
    {"stream_mode", read_stream_mode},
    {"system", read_text<&Request::system>},
    {"temperature", read_temperature},
    {"test_pattern", read_header_value<&Request::test_pattern>},
    {"thread_id", read_text<&Request::thread_id>},
    {"traceparent", read_header_value<&Request::traceparent>},
    {"user_id", read_user_id},
};

// The members of "lg": short names of some fields, for headers of limited length.
constexpr Field kCompactFields[] = {
    {"a", read_text<&Request::assistant_id>},
    {"i", read_object<&Request::langgraph_input>},
    {"m", read_stream_mode},
    {"p", read_text<&Request::profile>},
    {"t", read_text<&Request::thread_id>},
};

constexpr bool by_name(const Field& field, std::string_view name) {
  return field.name < name;
}

constexpr bool are_sorted(std::span<const Field> fields) {
  return std::is_sorted(fields.begin(), fields.end(),
                        [](const Field& left, const Field& right) { return left.name < right.name; });
}
static_assert(are_sorted(kFields) && are_sorted(kCompactFields));

// `prefix` is put before the names in messages.
Status read_members(const Value& object, std::span<const Field> fields, const char* prefix, Reading& reading) {
  for (const auto& [name, value] : object.GetObject()) {
    const auto field = std::lower_bound(fields.begin(), fields.end(), text_of(name), by_name);
    if (field == fields.end() || field->name != text_of(name) || value.IsNull()) continue;
    if (const Complaint complaint = field->read(value, reading); complaint != nullptr) {
      return Error{"the payload's field \"" + std::string(prefix) + std::string(field->name) + "\" " + complaint};
    }
  }
  return success();
}

// --- What is taken from several -------------------------------------------------------------------------------------

// Fields with full names take precedence.
Status read_compact(const Value& lg, HandoffRequest& request) {
  HandoffRequest compact;
  Reading reading{compact};
  if (Status read = read_members(lg, kCompactFields, "lg.", reading); !read) return read;
  if (request.thread_id.empty()) request.thread_id = compact.thread_id;
  if (request.assistant_id.empty()) request.assistant_id = compact.assistant_id;
  if (request.profile.empty()) request.profile = compact.profile;
  if (request.stream_mode == nullptr) request.stream_mode = compact.stream_mode;
  if (request.langgraph_input == nullptr) request.langgraph_input = compact.langgraph_input;
  return success();
}

// The JSON of a scalar, but the plain text of a string.
std::string_view text_of_scalar(const Value& value, PayloadJson& json) {
  return value.IsString() ? text_of(value) : json_of(value, json);
}

Status check_size(const std::vector<HeaderField>& headers) {
  constexpr std::size_t kFraming = 4;  // a colon and a space, and the end of the line
  std::size_t bytes = 0;
  for (const HeaderField& header : headers) bytes += header.name.size() + header.value.size() + kFraming;
  if (bytes <= kMaxResponseHeaderBytes) return success();
  static_assert(kMaxResponseHeaderBytes == 24 * 1024);
  return Error{"the payload's field \"response_headers\" and what Apache forwards must have at most 24576 bytes together"};
}

// Apache's headers first, then the payload's.
Status take_headers(const Reading& reading) {
  std::vector<HeaderField>& headers = reading.request.response_headers;
  if (reading.apache_headers != nullptr) {
    for (const Value& pair : reading.apache_headers->GetArray()) {
      headers.push_back({text_of(pair[0]), text_of(pair[1])});
    }
  }
  if (reading.response_headers != nullptr) {
    for (const auto& [name, value] : reading.response_headers->GetObject()) {
      if (!value.IsNull()) headers.push_back({text_of(name), text_of_scalar(value, reading.request.json)});
    }
  }
  return check_size(headers);
}

Status check_further(const Value& further) {
  const auto model = further.FindMember("model");
  const bool too_long = model != further.MemberEnd() && model->value.IsString() &&
                        model->value.GetStringLength() > kMaxIdBytes;
  return too_long ? Status(Error{"the payload's field \"request.model\" must have at most 256 bytes"}) : success();
}

}  // namespace

Status read_fields(HandoffRequest& request) {
  Reading reading{request};
  if (Status read = read_members(request.json.document(), kFields, "", reading); !read) return read;
  if (reading.lg != nullptr) {
    if (Status read = read_compact(*reading.lg, request); !read) return read;
  }
  if (reading.run_body != nullptr) {
    if (request.request != nullptr) return Error{"the payload has both \"request\" and \"lg_body\"; leave one out"};
    request.request = reading.run_body;
  }
  if (Status taken = take_headers(reading); !taken) return taken;
  if (request.answer_id.empty() && request.action != AnswerAction::kAsk) {
    return Error{"the payload's field \"action\" needs \"answer_id\", which names the answer"};
  }
  // The application, or other clients, get the answer nevertheless.
  const bool outlives_client = !request.on_end.empty() || !request.answer_id.empty();
  if (outlives_client && !reading.has_on_disconnect) request.continue_without_client = true;
  return request.request == nullptr ? success() : check_further(*request.request);
}

}  // namespace streaming
