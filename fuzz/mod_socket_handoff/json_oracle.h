// SPDX-License-Identifier: Apache-2.0
// What RapidJSON makes of text that the module only walks over: another opinion on the same question.

#pragma once

#include <rapidjson/document.h>

#include "fuzz/property.h"
#include "mod_socket_handoff/json.h"

namespace fuzz {

struct JsonOpinion {
  rapidjson::Document document;
  bool is_object = false;
  bool is_comparable = true;  // false where RapidJSON also judges what a value means
};

inline JsonOpinion parse_json(std::string_view text) {
  JsonOpinion opinion;
  // Up to a NUL: where it is told the length, RapidJSON passes over any byte of a byte order mark.
  opinion.document.Parse<rapidjson::kParseIterativeFlag>(std::string(text).c_str());
  opinion.is_object = !opinion.document.HasParseError() && opinion.document.IsObject();
  const rapidjson::ParseErrorCode error = opinion.document.GetParseError();
  opinion.is_comparable = error != rapidjson::kParseErrorNumberTooBig &&
                          error != rapidjson::kParseErrorStringUnicodeSurrogateInvalid &&
                          text.find('\0') == std::string_view::npos;
  return opinion;
}

// The module's own limit of nesting comes on top, and does not count an empty innermost pair of brackets.
inline void must_agree(bool is_object_to_us, const JsonOpinion& opinion, std::string_view text) {
  if (!opinion.is_comparable) return;
  constexpr std::uint32_t kLimit = socket_handoff::JsonScanner::kMaxDepth;
  MUST(!is_object_to_us || opinion.is_object);
  MUST(is_object_to_us || !opinion.is_object || depth_of(text) > kLimit);
  MUST(!is_object_to_us || depth_of(text) <= kLimit + 1);
}

}  // namespace fuzz
