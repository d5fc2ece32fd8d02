// What is posted to each API for a hand-off, with its attachments in their places: whatever the payload is, the body is
// one JSON object whose members differ, it asks for a stream, and it grows no faster than the payload.

#include <set>

#include "backends/attachments.h"
#include "backends/chat_completion_request.h"
#include "backends/json_fields.h"
#include "backends/langgraph_request.h"
#include "backends/messages_request.h"
#include "backends/responses_request.h"
#include "base/limits.h"
#include "fuzz/property.h"

namespace streaming {
namespace {

constexpr std::string_view kText = "a text with {b.txt} in it";
constexpr std::string_view kPng = "\x89PNG\r\n\x1A\n and pixels";
constexpr std::string_view kPdf = "%PDF- and pages";

// The most that one byte of a payload becomes: a call of a tool that has nothing ("1,") is some 50 bytes of a body.
constexpr std::size_t kMostGrowth = 32;
constexpr std::size_t kMostBesides = 4096;

// No object in it has two members of one name.
void must_not_repeat(const rapidjson::Value& value) {
  if (value.IsArray()) {
    for (const rapidjson::Value& element : value.GetArray()) must_not_repeat(element);
  }
  if (!value.IsObject()) return;
  std::set<std::string_view> names;
  for (const auto& member : value.GetObject()) {
    MUST(names.insert({member.name.GetString(), member.name.GetStringLength()}).second);
    must_not_repeat(member.value);
  }
}

rapidjson::Document must_be_an_object(const std::string& body, std::size_t most_bytes) {
  MUST(body.size() <= most_bytes);
  MUST(fuzz::is_utf8(body));
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(body.data(), body.size());
  MUST(!document.HasParseError() && document.IsObject());
  must_not_repeat(document);
  return document;
}

void must_ask_for_a_stream(const std::string& body, std::size_t most_bytes) {
  const rapidjson::Document document = must_be_an_object(body, most_bytes);
  MUST(find_text(&document, "model").data() != nullptr);
  const rapidjson::Value* stream = find_member(&document, "stream");
  MUST(stream != nullptr && stream->IsTrue());
}

void must_be_asked_for(const HandoffRequest& request, std::size_t most_bytes) {
  must_ask_for_a_stream(chat_completion_request(request, "standard"), most_bytes);
  must_ask_for_a_stream(responses_request(request, "standard"), most_bytes);
  must_ask_for_a_stream(messages_request(request, "standard", 1000), most_bytes);
  for (const bool blocks : {false, true}) {
    const LangGraphDefaults defaults{.assistant_id = "agent", .stream_mode = {"values", "custom"}, .content_blocks = blocks};
    const rapidjson::Document run = must_be_an_object(run_request(request, defaults), most_bytes);
    MUST(find_text(&run, "on_disconnect") == (request.continue_without_client ? "continue" : "cancel"));
  }
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  HandoffRequestParser parser;
  const auto parsed = parser.parse(fuzz::text(data, size));
  if (!parsed.ok()) return 0;
  HandoffRequest& request = **parsed;
  must_be_asked_for(request, kMostGrowth * size + kMostBesides);

  Config config;
  config.attachments_data_dir = "/";
  auto attachments = find_attachments(request, config);
  if (!attachments) {
    MUST(!attachments.error().message.empty() && fuzz::is_utf8(attachments.error().message));
    return 0;
  }
  MUST(attachments->size() <= static_cast<std::size_t>(config.attachments_max_files));
  std::size_t places = 0;
  for (Attachment& attachment : *attachments) {
    const std::string_view contents[] = {kText, kText, kPng, kPdf};
    MUST(take_contents(attachment, std::string(contents[static_cast<std::size_t>(attachment.kind)])).ok());
    places += std::max<std::size_t>(attachment.uses, 1);
  }
  if (attachments->empty()) return 0;
  add_attachments(request, std::move(*attachments));
  constexpr std::size_t kMostInAPlace = 256;  // an attachment of these, and the part that it is
  must_be_asked_for(request, kMostGrowth * size + kMostBesides + kMostInAPlace * places);
  request.forget_model();
  MUST(request.model.empty());
  must_ask_for_a_stream(chat_completion_request(request, "standard"), kMostGrowth * size + kMostBesides + kMostInAPlace * places);
  return 0;
}
