// FieldReader: reads the fields of a payload's JSON object by name and type; keeps the first mistake. A field that is
// null counts as absent. Pure; borrows the object, and what it reads are views into it.

#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/header_field.h"
#include "base/result.h"

namespace streaming {

struct ApacheFacts;

class FieldReader {
 public:
  // `prefix` stands before the names in a mistake's message.
  explicit FieldReader(const rapidjson::Value& object, const char* prefix = "") : object_(object), prefix_(prefix) {}

  void read(const char* field, std::string_view& out);
  // A string that goes into a header as it is.
  void read_header_value(const char* field, std::string_view& out);
  void read_array(const char* field, const rapidjson::Value*& out);
  void read_object(const char* field, const rapidjson::Value*& out);
  // A string, or an array of strings.
  void read_words(const char* field, const rapidjson::Value*& out);
  // Of any type.
  void read_any(const char* field, const rapidjson::Value*& out) { out = find(field); }
  // Positive.
  void read(const char* field, std::optional<std::int64_t>& out);
  void read(const char* field, std::optional<double>& out);
  // "cancel" or "continue".
  void read_on_disconnect(const char* field, bool& goes_on);
  // An integer or a string, of at most kMaxIdBytes.
  void read_id(const char* field, std::string& out);
  // An object: {"Name": "value", ...}.
  void read_headers(const char* field, std::vector<HeaderField>& out);
  // What mod_socket_handoff puts in front: {"headers": [["Name", "value"], ...], "request_id": "...", ...}. A fact of
  // another type counts as absent.
  void read_apache(const char* field, std::vector<HeaderField>& headers, ApacheFacts& facts);

  const std::optional<Error>& mistake() const { return mistake_; }

 private:
  // Null where it is absent.
  const rapidjson::Value* find(const char* field) const;
  void fail(const char* field, const std::string& expected);

  const rapidjson::Value& object_;
  const char* const prefix_;
  std::optional<Error> mistake_;
};

}  // namespace streaming
