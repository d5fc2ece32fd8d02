#include "handoff/handoff_request.h"

#include <rapidjson/error/en.h>
#include <rapidjson/reader.h>

#include <algorithm>
#include <cmath>

#include "base/json_input.h"
#include "base/limits.h"
#include "handoff/field_reader.h"
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

// What the field "lg" says in few letters, for headers of limited length; the fields of full name go before.
std::optional<Error> read_compact(const Value& lg, HandoffRequest& request) {
  HandoffRequest compact;
  FieldReader fields(lg, "lg.");
  fields.read("t", compact.thread_id);
  fields.read("a", compact.assistant_id);
  fields.read("p", compact.profile);
  fields.read_words("m", compact.stream_mode);
  fields.read_object("i", compact.langgraph_input);
  if (request.thread_id.empty()) request.thread_id = compact.thread_id;
  if (request.assistant_id.empty()) request.assistant_id = compact.assistant_id;
  if (request.profile.empty()) request.profile = compact.profile;
  if (request.stream_mode == nullptr) request.stream_mode = compact.stream_mode;
  if (request.langgraph_input == nullptr) request.langgraph_input = compact.langgraph_input;
  return fields.mistake();
}

Error not_json(std::string_view reason, std::size_t offset) {
  return Error{"the payload is not valid JSON: " + std::string(reason) + " (at byte " + std::to_string(offset) + ")"};
}

}  // namespace

bool ApacheFacts::takes_chunks() const {
  constexpr std::string_view kName = "HTTP/";
  return protocol.starts_with(kName) && protocol.substr(kName.size()) >= "1.1";
}

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

  request.payload = &document_;
  FieldReader fields(document_);
  fields.read("prompt", request.prompt);
  fields.read("system", request.system);
  fields.read("model", request.model);
  fields.read("backend", request.backend);
  fields.read("format", request.format);
  fields.read("thread_id", request.thread_id);
  fields.read("assistant_id", request.assistant_id);
  fields.read("profile", request.profile);
  fields.read_header_value("request_id", request.request_id);
  fields.read_header_value("traceparent", request.traceparent);
  fields.read_header_value("test_pattern", request.test_pattern);
  fields.read_array("messages", request.messages);
  fields.read_object("request", request.request);
  fields.read_object("langgraph_input", request.langgraph_input);
  fields.read_words("stream_mode", request.stream_mode);
  const Value* lg = nullptr;
  fields.read_object("lg", lg);
  fields.read_array("attachments", request.attachments);
  fields.read_any("attachment_types", request.attachment_types);
  fields.read_array("images", request.images);
  fields.read("max_tokens", request.max_tokens);
  fields.read("temperature", request.temperature);
  fields.read_on_disconnect("on_disconnect", request.continue_without_client);
  fields.read_id("user_id", request.user_id);
  fields.read_apache("apache", request.response_headers, request.apache);
  fields.read_headers("response_headers", request.response_headers);
  if (fields.mistake()) return *fields.mistake();
  if (lg != nullptr) {
    if (const std::optional<Error> mistake = read_compact(*lg, request)) return *mistake;
  }
  return request;
}

}  // namespace streaming
