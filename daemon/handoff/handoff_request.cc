#include "handoff/handoff_request.h"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cmath>

#include "base/json_input.h"
#include "base/limits.h"
#include "protocol/handoff_protocol.h"

namespace streaming {
namespace {

using Document = rapidjson::Document;
using Value = rapidjson::Value;

// In place: strings stay in the receive buffer. Iterative: depth must not cost stack. UTF-8 is checked.
constexpr unsigned kParseFlags =
    rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

// Builds a document, and stops at what RapidJSON would let through.
class PayloadHandler {
 public:
  explicit PayloadHandler(Document& document) : document_(document) {}

  // Why it has stopped; empty when it has not.
  const std::string& complaint() const { return complaint_; }

  bool Null() { return document_.Null(); }
  bool Bool(bool value) { return document_.Bool(value); }
  bool Int(int value) { return document_.Int(value); }
  bool Uint(unsigned value) { return document_.Uint(value); }
  bool Int64(std::int64_t value) { return document_.Int64(value); }
  bool Uint64(std::uint64_t value) { return document_.Uint64(value); }
  bool Double(double value) {
    return (std::isfinite(value) || stop("a number is too large")) && document_.Double(value);
  }
  bool RawNumber(const char* text, rapidjson::SizeType length, bool copy) {
    return document_.RawNumber(text, length, copy);
  }
  bool String(const char* text, rapidjson::SizeType length, bool copy) {
    return check_text({text, length}) && document_.String(text, length, copy);
  }
  bool Key(const char* text, rapidjson::SizeType length, bool copy) {
    return check_text({text, length}) && document_.Key(text, length, copy);
  }
  bool StartObject() { return enter() && document_.StartObject(); }
  bool EndObject(rapidjson::SizeType members) { return leave() && document_.EndObject(members); }
  bool StartArray() { return enter() && document_.StartArray(); }
  bool EndArray(rapidjson::SizeType elements) { return leave() && document_.EndArray(elements); }

 private:
  bool stop(std::string complaint) {
    complaint_ = std::move(complaint);
    return false;
  }
  bool check_text(std::string_view text) {
    return !has_lone_surrogate(text) || stop("a string has half a surrogate pair");
  }
  bool enter() {
    return ++depth_ <= kMaxJsonDepth || stop("it is nested deeper than " + std::to_string(kMaxJsonDepth) + " levels");
  }
  bool leave() {
    --depth_;
    return true;
  }

  Document& document_;
  std::uint32_t depth_ = 0;
  std::string complaint_;
};

std::string_view text_of(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

// A message's content is a text, or a list of parts of which some are texts.
std::string_view text_of_content(const Value& content) {
  if (content.IsString()) return text_of(content);
  if (!content.IsArray()) return {};
  for (const Value& part : content.GetArray()) {
    if (!part.IsObject()) continue;
    const auto text = part.FindMember("text");
    if (text != part.MemberEnd() && text->value.IsString()) return text_of(text->value);
  }
  return {};
}

std::string_view user_text(const Value& message) {
  if (!message.IsObject()) return {};
  const auto role = message.FindMember("role");
  const auto content = message.FindMember("content");
  if (role == message.MemberEnd() || content == message.MemberEnd() || role->value != "user") return {};
  return text_of_content(content->value);
}

Error wrong_type(const char* field, const char* expected) {
  return Error{std::string("the payload's field \"") + field + "\" must be " + expected};
}

// Reads fields of one object; keeps the first mistake. A field that is null counts as absent.
class FieldReader {
 public:
  explicit FieldReader(const Value& object) : object_(object) {}

  void read(const char* field, std::string_view& out) {
    const Value* value = find(field);
    if (value == nullptr) return;
    if (value->IsString()) {
      out = text_of(*value);
    } else {
      fail(wrong_type(field, "a string"));
    }
  }
  // A string that goes into a header as it is.
  void read_header_value(const char* field, std::string_view& out) {
    read(field, out);
    if (!is_header_value(out)) fail(wrong_type(field, "a string without control characters"));
  }
  void read(const char* field, const Value*& out) {
    const Value* value = find(field);
    if (value == nullptr) return;
    if (value->IsArray()) {
      out = value;
    } else {
      fail(wrong_type(field, "an array"));
    }
  }
  void read(const char* field, std::optional<std::int64_t>& out) {
    const Value* value = find(field);
    if (value == nullptr) return;
    if (value->IsInt64() && value->GetInt64() > 0) {
      out = value->GetInt64();
    } else {
      fail(wrong_type(field, "a positive integer"));
    }
  }
  void read(const char* field, std::optional<double>& out) {
    const Value* value = find(field);
    if (value == nullptr) return;
    if (value->IsNumber()) {
      out = value->GetDouble();
    } else {
      fail(wrong_type(field, "a number"));
    }
  }
  // "cancel" or "continue".
  void read_on_disconnect(const char* field, bool& goes_on) {
    std::string_view text;
    read(field, text);
    goes_on = text == "continue";
    if (!text.empty() && !goes_on && text != "cancel") fail(wrong_type(field, "\"cancel\" or \"continue\""));
  }
  // An integer or a string.
  void read_id(const char* field, std::string& out) {
    const Value* value = find(field);
    if (value == nullptr) return;
    if (value->IsString() && value->GetStringLength() <= kMaxIdBytes) {
      out = text_of(*value);
    } else if (value->IsString()) {
      fail(Error{std::string("the payload's field \"") + field + "\" must have at most " + std::to_string(kMaxIdBytes) +
                 " bytes"});
    } else if (value->IsInt64()) {
      out = std::to_string(value->GetInt64());
    } else {
      fail(wrong_type(field, "an integer or a string"));
    }
  }

  // An object: {"Name": "value", ...}.
  void read_headers(const char* field, std::vector<HeaderField>& out) {
    const Value* value = find(field);
    if (value == nullptr) return;
    if (!value->IsObject()) return fail(wrong_type(field, "an object of strings"));
    for (const auto& member : value->GetObject()) {
      if (!member.value.IsString()) return fail(wrong_type(field, "an object of strings"));
      out.push_back({text_of(member.name), text_of(member.value)});
    }
  }
  // What mod_socket_handoff puts in front: {"headers": [["Name", "value"], ...], ...}.
  void read_apache(const char* field, std::vector<HeaderField>& out) {
    const Value* apache = find(field);
    if (apache == nullptr) return;
    if (!apache->IsObject()) return fail(wrong_type(field, "an object"));
    const auto headers = apache->FindMember("headers");
    if (headers == apache->MemberEnd()) return;
    if (!headers->value.IsArray()) return fail(wrong_type("apache.headers", "an array of pairs of strings"));
    for (const Value& pair : headers->value.GetArray()) {
      const bool is_pair = pair.IsArray() && pair.Size() == 2 && pair[0].IsString() && pair[1].IsString();
      if (!is_pair) return fail(wrong_type("apache.headers", "an array of pairs of strings"));
      out.push_back({text_of(pair[0]), text_of(pair[1])});
    }
  }

  const std::optional<Error>& mistake() const { return mistake_; }

 private:
  const Value* find(const char* field) const {
    const auto member = object_.FindMember(field);
    return member == object_.MemberEnd() || member->value.IsNull() ? nullptr : &member->value;
  }
  void fail(Error error) {
    if (!mistake_) mistake_ = std::move(error);
  }

  const Value& object_;
  std::optional<Error> mistake_;
};

Error not_json(std::string_view reason, std::size_t offset) {
  return Error{"the payload is not valid JSON: " + std::string(reason) + " (at byte " + std::to_string(offset) + ")"};
}

}  // namespace

std::string_view HandoffRequest::last_user_text() const {
  if (messages == nullptr) return prompt;
  for (auto message = messages->End(); message != messages->Begin();) {
    if (const std::string_view text = user_text(*--message); !text.empty()) return text;
  }
  return prompt;
}

void HandoffRequestParser::clear() {
  document_.SetNull();
  pool_.Clear();
}

Result<HandoffRequest> HandoffRequestParser::parse(std::span<char> payload) {
  HandoffRequest request;
  if (payload.size() == 1 && payload.front() == handoff_protocol::kNoPayload) return request;

  clear();
  std::fill_n(payload.data() + payload.size(), kJsonPadding, '\0');
  rapidjson::Reader reader;
  rapidjson::InsituStringStream stream(payload.data());
  rapidjson::ParseResult parsed;
  std::string complaint;
  auto parse_into = [&](Document& document) {
    PayloadHandler handler(document);
    parsed = reader.Parse<kParseFlags>(stream, handler);
    complaint = handler.complaint();
    return !parsed.IsError();
  };
  document_.Populate(parse_into);
  if (!complaint.empty()) return not_json(complaint, parsed.Offset());
  if (parsed.IsError()) return not_json(rapidjson::GetParseError_En(parsed.Code()), parsed.Offset());
  if (stream.Tell() != payload.size()) return not_json("it contains a NUL byte", stream.Tell());
  if (!document_.IsObject()) return Error{"the payload must be a JSON object"};

  FieldReader fields(document_);
  fields.read("prompt", request.prompt);
  fields.read("system", request.system);
  fields.read("model", request.model);
  fields.read("backend", request.backend);
  fields.read("request_id", request.request_id);
  fields.read_header_value("test_pattern", request.test_pattern);
  fields.read("messages", request.messages);
  fields.read("max_tokens", request.max_tokens);
  fields.read("temperature", request.temperature);
  fields.read_on_disconnect("on_disconnect", request.continue_without_client);
  fields.read_id("user_id", request.user_id);
  fields.read_apache("apache", request.response_headers);
  fields.read_headers("response_headers", request.response_headers);
  if (fields.mistake()) return *fields.mistake();
  return request;
}

}  // namespace streaming
