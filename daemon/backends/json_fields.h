// SPDX-License-Identifier: Apache-2.0
// Reading a peer's JSON by structure: what is absent, null or of another type is nothing, never a failure. Pure.

#pragma once

#include <rapidjson/document.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backends/text_mender.h"

namespace streaming {

// JSON of this size is read by recursion, which takes two thirds of the instructions: its size bounds its depth. Over it:
// by a loop.
inline constexpr std::size_t kMaxRecursedJsonBytes = 1024;

// The stream that RapidJSON reads and writes in place, its own without an assertion for each byte. A NUL ends the text.
class InPlaceText {
 public:
  using Ch = char;

  explicit InPlaceText(char* text) : begin_(text), next_(text) {}

  char Peek() const { return *next_; }
  char Take() { return *next_++; }
  std::size_t Tell() const { return static_cast<std::size_t>(next_ - begin_); }

  char* PutBegin() { return end_ = next_; }
  void Put(char byte) { *end_++ = byte; }
  void Flush() {}
  std::size_t PutEnd(char* begin) const { return static_cast<std::size_t>(end_ - begin); }

 private:
  char* const begin_;
  char* next_;           // to be read
  char* end_ = nullptr;  // of the string that is written
};

// A small document without an allocation; it must not outlive the text it was parsed from.
class JsonObject {
 public:
  // Parses `text` in place. False when it is no JSON object. Its strings may be no Unicode: they are for AnswerPieces
  // to hand on.
  bool parse(std::string& text) { return parse_value(text) && document_.IsObject(); }
  // Likewise, for JSON of any kind.
  bool parse_value(std::string& text) {
    unescape_surrogate_halves(text);
    InPlaceText stream(text.data());
    if (text.size() <= kMaxRecursedJsonBytes) {
      document_.ParseStream<rapidjson::kParseInsituFlag>(stream);
    } else {
      document_.ParseStream<rapidjson::kParseInsituFlag | rapidjson::kParseIterativeFlag>(stream);
    }
    return !document_.HasParseError();
  }
  const rapidjson::Value& root() const { return document_; }

 private:
  using Pool = rapidjson::MemoryPoolAllocator<>;

  static constexpr std::size_t kStackBytes = 1024;  // of values that are not yet in an object or array

  char memory_[4096];
  char stack_memory_[kStackBytes + 128];  // the pool's own records too
  Pool pool_{memory_, sizeof memory_};
  Pool stack_pool_{stack_memory_, sizeof stack_memory_};
  rapidjson::GenericDocument<rapidjson::UTF8<>, Pool, Pool> document_{&pool_, kStackBytes, &stack_pool_};
};

// Null if `object` is null or no object. Not by RapidJSON's FindMember, which makes a value of each name: an event of
// an answer is asked for a dozen.
inline const rapidjson::Value* find_member(const rapidjson::Value* object, std::string_view name) {
  if (object == nullptr || !object->IsObject()) return nullptr;
  for (const auto& member : object->GetObject()) {
    if (std::string_view(member.name.GetString(), member.name.GetStringLength()) != name) continue;
    return member.value.IsNull() ? nullptr : &member.value;
  }
  return nullptr;
}

// Empty if there is no such string.
inline std::string_view find_text(const rapidjson::Value* object, std::string_view name) {
  const rapidjson::Value* value = find_member(object, name);
  return value == nullptr || !value->IsString() ? std::string_view()
                                                : std::string_view(value->GetString(), value->GetStringLength());
}

// Nothing if there is no such number.
inline std::optional<std::uint64_t> find_number(const rapidjson::Value* object, std::string_view name) {
  const rapidjson::Value* value = find_member(object, name);
  if (value == nullptr || !value->IsUint64()) return std::nullopt;
  return value->GetUint64();
}

// 0 if there is no such number.
inline std::uint64_t find_count(const rapidjson::Value* object, std::string_view name) {
  return find_number(object, name).value_or(0);
}

// Replaces a count by the one of that name, if there is one.
inline void update_count(std::optional<std::uint64_t>& count, const rapidjson::Value* object, std::string_view name) {
  if (const std::optional<std::uint64_t> found = find_number(object, name)) count = found;
}

// The JSON of an event, with the event's type: its member "type", otherwise the event's own. Views are of the text.
class TypedObject {
 public:
  // Parses `text` in place. False if it is not a JSON object.
  bool parse(std::string& text, std::string_view event_type) {
    if (!object_.parse(text)) return false;
    type_ = find_text(&root(), "type");
    has_member_ = !type_.empty();
    if (!has_member_) type_ = event_type;
    return true;
  }
  const rapidjson::Value& root() const { return object_.root(); }
  std::string_view type() const { return type_; }
  // Whether the type comes from the member.
  bool has_type_member() const { return has_member_; }

 private:
  JsonObject object_;
  std::string_view type_;
  bool has_member_ = false;
};

// Whether an event has no meaning: some servers send events without data, or with null, to keep connections open.
inline bool says_nothing(std::string_view data) {
  if (data.starts_with('{')) return false;
  constexpr std::string_view kWhiteSpace = " \t\r\n";
  data.remove_prefix(std::min(data.find_first_not_of(kWhiteSpace), data.size()));
  data = data.substr(0, data.find_last_not_of(kWhiteSpace) + 1);
  return data.empty() || data == "null";
}

inline bool is_truthy(const rapidjson::Value* value) {
  return value != nullptr && !value->IsFalse() && !(value->IsString() && value->GetStringLength() == 0);
}

}  // namespace streaming
