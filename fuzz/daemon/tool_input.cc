// SPDX-License-Identifier: Apache-2.0
// What a model gives to a tool: taken where RapidJSON takes it and it holds nothing that JavaScript's libraries refuse;
// and written on one line it says the same.

#include "sse/tool_input.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>

#include "base/json_input.h"
#include "fuzz/property.h"

namespace {

using Document = rapidjson::Document;
using Value = rapidjson::Value;

bool parse(std::string_view text, Document& document) {
  const std::string copy = std::string(text) + std::string(streaming::kJsonPadding, '\0');
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(copy.c_str());
  return !document.HasParseError() && text.find('\0') == std::string_view::npos;
}

// Not by operator==, to which an object with two members of a name is not equal to itself.
std::string written(const Document& document) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  document.Accept(writer);
  return buffer.GetString();
}

// By the words of npm's secure-json-parse, but for a member that is there twice: it looks at the last one alone.
bool is_refused(const Value& value) {
  if (value.IsArray()) return std::any_of(value.Begin(), value.End(), is_refused);
  if (!value.IsObject()) return false;
  return std::any_of(value.MemberBegin(), value.MemberEnd(), [](const Value::Member& member) {
    if (member.name == "__proto__") return true;
    if (member.name == "constructor" && member.value.IsObject() && member.value.HasMember("prototype")) return true;
    return is_refused(member.value);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  const std::string_view text = fuzz::text(data, size);
  Document document;
  const bool is_json = parse(text, document);
  if (is_json && fuzz::depth_of(text) > kMaxJsonDepth) {
    MUST(!is_tool_input(text));
    return 0;
  }
  const bool is_input = is_tool_input(text);
  MUST(is_input == (is_json && !is_refused(document)));
  if (!is_input) return 0;

  Buffer line;
  append_tool_input(line, text);
  MUST(line.view().find_first_of("\r\n") == std::string_view::npos);
  Document again;
  MUST(parse(line.view(), again) && written(again) == written(document));
  return 0;
}
