// SPDX-License-Identifier: Apache-2.0
// Text of any kind as the inside of a JSON string: where it is UTF-8, each of our readers gets the same text back; and
// whatever it is, it cannot end the string, the event or the answer that it stands in.

#include "sse/json_text.h"

#include <charconv>
#include <vector>

#include "backends/openai/chat_completion_reader.h"
#include "fuzz/property.h"
#include "sse/event_encoder.h"
#include "sse/parser.h"
#include "sse/response_head.h"
#include "tests/support/recording_sink.h"

namespace streaming {
namespace {

std::string escaped(std::string_view text) {
  Buffer out;
  append_json_text(out, text);
  return std::string(out.view());
}

// A string that is one of so many members of a JSON object.
std::string member(std::string json, const char* name, rapidjson::SizeType members) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(json.data(), json.size());
  MUST(!document.HasParseError() && document.IsObject() && document.MemberCount() == members);
  const rapidjson::Value& value = document[name];
  return {value.GetString(), value.GetStringLength()};
}

// The data of the only event of a stream.
std::string only_event(std::string_view stream) {
  std::vector<std::string> events;
  SseParser parser(1 << 20);
  MUST(parser.feed(stream, [&](SseEvent& event) {
    MUST(event.type.empty());
    events.push_back(event.data);
    return true;
  }));
  MUST(events.size() == 1);
  return events.front();
}

std::string body_of(std::string_view response) {
  const std::size_t end = response.find("\r\n\r\n");
  MUST(end != std::string_view::npos);
  const std::string_view body = response.substr(end + 4);
  const std::string_view name = "\r\nContent-Length: ";
  const std::size_t at = response.find(name);
  MUST(at < end);
  std::size_t length = 0;
  std::from_chars(response.data() + at + name.size(), response.data() + end, length);
  MUST(length == body.size());
  return std::string(body);
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  const std::string_view text = fuzz::text(data, size);
  const std::string inside = escaped(text);
  for (const char byte : inside) MUST(static_cast<unsigned char>(byte) >= 0x20);

  Buffer content, error, response;
  EventEncoder encoder;
  MUST(encoder.append(content, {.kind = AnswerEvent::Kind::kText, .text = text}) == 1);
  encoder.append_error(error, {text, "code", 3}, false);
  append_error_response(response, {503, {text, "code", 3}}, "");
  const std::string content_json = only_event(content.view());
  const std::string error_json = only_event(error.view());
  const std::string response_json = body_of(response.view());
  if (!fuzz::is_utf8(text)) return 0;

  MUST(member(content_json, "content", 1) == text);
  MUST(member(error_json, "error", 3) == text);
  MUST(member(response_json, "error", 3) == text);

  HandoffRequestParser parser;
  const auto request = parser.parse("{\"prompt\":\"" + inside + "\"}");
  MUST(request.ok() && (*request)->prompt == text);
  std::string chunk = "{\"choices\":[{\"delta\":{\"content\":\"" + inside + "\"}}]}";
  SseEvent event{{}, {}, chunk};
  RecordingSink sink;
  MUST(ChatCompletionReader().read(event, sink) == AnswerReader::Verdict::kGoesOn);
  MUST(sink.all_text() == text);
  return 0;
}
