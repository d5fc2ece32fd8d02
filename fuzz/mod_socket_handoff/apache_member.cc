// SPDX-License-Identifier: Apache-2.0
// What Apache knows, put in front of a handler's data. The input is five lines (a header's name and its value, the
// request's id, the client and the path) and then the data. Whatever they are, the daemon reads Apache's own words as
// they were, and of the data what it would read without them.

#include "mod_socket_handoff/handoff_message.h"

#include "fuzz/mod_socket_handoff/json_oracle.h"
#include "handoff/handoff_request.h"

namespace socket_handoff {
namespace {

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string front_of(const ApacheFacts& facts, std::string_view rest) {
  JsonText counted;
  write_front(counted, facts, rest);
  std::string memory(counted.size(), '?');
  JsonText written(memory.data(), memory.size());
  write_front(written, facts, rest);
  MUST(written.size() == counted.size() && written.text() == memory);
  MUST(fuzz::is_utf8(memory));
  // Too little memory is never written beyond.
  std::string half(memory.size() / 2, '?');
  JsonText cut(half.data(), half.size());
  write_front(cut, facts, rest);
  MUST(cut.size() == memory.size() && cut.text() == std::string_view(memory).substr(0, half.size()));
  return memory;
}

void must_say(const rapidjson::Value& object, const char* name, std::string_view fact) {
  const auto found = object.FindMember(name);
  MUST((found == object.MemberEnd()) == fact.empty());
  if (fact.empty() || !fuzz::is_utf8(fact)) return;
  MUST(fact == std::string_view(found->value.GetString(), found->value.GetStringLength()));
}

// The same members follow, in the same order.
void must_follow(const rapidjson::Document& spliced, const rapidjson::Document& original) {
  MUST(spliced.MemberCount() == original.MemberCount() + 1);
  auto behind = spliced.MemberBegin() + 1;
  for (const auto& member : original.GetObject()) {
    MUST(behind->name == member.name && behind->value.GetType() == member.value.GetType());
    if (member.value.IsString()) MUST(behind->value == member.value);
    ++behind;
  }
}

// What the daemon makes of both.
void must_be_taken(const ApacheFacts& facts, const std::string& spliced, std::string_view original) {
  using streaming::HandoffRequestParser;
  HandoffRequestParser parser;
  const auto request = parser.parse(original);
  if (!request.ok()) return;
  const auto both = parser.parse(spliced);
  if ((*request)->json.document().IsObject() && (*request)->json.document().HasMember("apache")) {
    MUST(!both.ok());  // nobody else speaks for Apache
    return;
  }
  MUST(both.ok());
  MUST((*both)->prompt == (*request)->prompt && (*both)->model == (*request)->model);
  MUST((*both)->user_id == (*request)->user_id);
  MUST(!(*both)->response_headers.empty());
  const auto& [name, value] = (*both)->response_headers.front();
  if (fuzz::is_utf8(facts.headers[0].name)) MUST(name == facts.headers[0].name);
  if (fuzz::is_utf8(facts.headers[0].value)) MUST(value == facts.headers[0].value);
}

}  // namespace
}  // namespace socket_handoff

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace socket_handoff;
  std::string_view payload = fuzz::text(data, size);
  HeaderField header;
  header.name = take_line(payload);
  header.value = take_line(payload);
  ApacheFacts facts{.headers = {&header, 1},
                    .request_id = take_line(payload),
                    .client = take_line(payload),
                    .method = {},
                    .uri = take_line(payload)};

  const auto rest = rest_of_object(payload);
  const fuzz::JsonOpinion original = fuzz::parse_json(payload);
  fuzz::must_agree(rest.has_value(), original, payload);
  if (!rest) return 0;
  MUST(fuzz::lies_in(*rest, payload) && rest->data() + rest->size() == payload.data() + payload.size());

  const std::string spliced = front_of(facts, *rest) + std::string(*rest);
  if (!original.is_comparable) return 0;
  const fuzz::JsonOpinion both = fuzz::parse_json(spliced);
  MUST(both.is_object);
  MUST(both.document.MemberBegin()->name == "apache");
  const rapidjson::Value& apache = both.document.MemberBegin()->value;
  must_say(apache, "request_id", facts.request_id);
  must_say(apache, "client", facts.client);
  must_say(apache, "uri", facts.uri);
  must_follow(both.document, original.document);
  must_be_taken(facts, spliced, payload);
  return 0;
}
