#include "handoff/field_reader.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "handoff/handoff_request.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;

std::string_view text_of(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

}  // namespace

void FieldReader::read(const char* field, std::string_view& out) {
  const Value* value = find(field);
  if (value == nullptr) return;
  if (!value->IsString()) return fail(field, "a string");
  out = text_of(*value);
}

void FieldReader::read_header_value(const char* field, std::string_view& out) {
  read(field, out);
  if (!is_header_value(out)) fail(field, "a string without control characters");
}

void FieldReader::read_array(const char* field, const Value*& out) {
  const Value* value = find(field);
  if (value == nullptr) return;
  if (!value->IsArray()) return fail(field, "an array");
  out = value;
}

void FieldReader::read_object(const char* field, const Value*& out) {
  const Value* value = find(field);
  if (value == nullptr) return;
  if (!value->IsObject()) return fail(field, "an object");
  out = value;
}

void FieldReader::read_words(const char* field, const Value*& out) {
  const Value* value = find(field);
  if (value == nullptr) return;
  const bool words = value->IsString() ||
                     (value->IsArray() &&
                      std::all_of(value->Begin(), value->End(), [](const Value& word) { return word.IsString(); }));
  if (!words) return fail(field, "a string or an array of strings");
  out = value;
}

void FieldReader::read(const char* field, std::optional<std::int64_t>& out) {
  const Value* value = find(field);
  if (value == nullptr) return;
  if (!value->IsInt64() || value->GetInt64() <= 0) return fail(field, "a positive integer");
  out = value->GetInt64();
}

void FieldReader::read(const char* field, std::optional<double>& out) {
  const Value* value = find(field);
  if (value == nullptr) return;
  if (!value->IsNumber()) return fail(field, "a number");
  out = value->GetDouble();
}

void FieldReader::read_on_disconnect(const char* field, bool& goes_on) {
  std::string_view text;
  read(field, text);
  goes_on = text == "continue";
  if (!text.empty() && !goes_on && text != "cancel") fail(field, "\"cancel\" or \"continue\"");
}

void FieldReader::read_id(const char* field, std::string& out) {
  const Value* value = find(field);
  if (value == nullptr) return;
  if (value->IsInt64()) {
    out = std::to_string(value->GetInt64());
  } else if (!value->IsString()) {
    fail(field, "an integer or a string");
  } else if (value->GetStringLength() > kMaxIdBytes) {
    fail(field, "of at most " + std::to_string(kMaxIdBytes) + " bytes");
  } else {
    out = text_of(*value);
  }
}

void FieldReader::read_headers(const char* field, std::vector<HeaderField>& out) {
  const Value* value = find(field);
  if (value == nullptr) return;
  if (!value->IsObject()) return fail(field, "an object of strings");
  for (const auto& member : value->GetObject()) {
    if (!member.value.IsString()) return fail(field, "an object of strings");
    out.push_back({text_of(member.name), text_of(member.value)});
  }
}

void FieldReader::read_apache(const char* field, std::vector<HeaderField>& out, ApacheFacts& facts) {
  const Value* apache = find(field);
  if (apache == nullptr) return;
  if (!apache->IsObject()) return fail(field, "an object");
  for (const auto& [name, fact] :
       {std::pair{"request_id", &facts.request_id},
        {"client", &facts.client},
        {"uri", &facts.path},
        {"protocol", &facts.protocol}}) {
    const auto member = apache->FindMember(name);
    if (member != apache->MemberEnd() && member->value.IsString()) *fact = text_of(member->value);
  }
  const auto headers = apache->FindMember("headers");
  if (headers == apache->MemberEnd()) return;
  constexpr char kPairs[] = "an array of pairs of strings";
  if (!headers->value.IsArray()) return fail("apache.headers", kPairs);
  for (const Value& pair : headers->value.GetArray()) {
    const bool is_pair = pair.IsArray() && pair.Size() == 2 && pair[0].IsString() && pair[1].IsString();
    if (!is_pair) return fail("apache.headers", kPairs);
    out.push_back({text_of(pair[0]), text_of(pair[1])});
  }
}

const Value* FieldReader::find(const char* field) const {
  const auto member = object_.FindMember(field);
  return member == object_.MemberEnd() || member->value.IsNull() ? nullptr : &member->value;
}

void FieldReader::fail(const char* field, const std::string& expected) {
  if (!mistake_) mistake_ = Error{"the payload's field \"" + std::string(prefix_) + field + "\" must be " + expected};
}

}  // namespace streaming
