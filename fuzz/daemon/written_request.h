// SPDX-License-Identifier: Apache-2.0
// What the targets of the APIs' request writers share: whatever a hand-off's payload is, what is posted for it is one
// JSON object whose members differ, and grows no faster than the payload. Included by targets alone.

#pragma once

#include <rapidjson/document.h>

#include <set>
#include <string>
#include <string_view>

#include "backends/json_fields.h"
#include "backends/request_body.h"
#include "fuzz/property.h"
#include "handoff/handoff_request.h"

namespace streaming {

// The most that one byte of a payload becomes: a tool call that has nothing ("1,") is some 50 bytes of a body.
inline constexpr std::size_t kMostGrowth = 32;
inline constexpr std::size_t kMostBesides = 4096;

// No object in it has two members of one name.
inline void must_not_repeat(const rapidjson::Value& value) {
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

inline rapidjson::Document must_be_an_object(const std::string& body, std::size_t most_bytes) {
  MUST(body.size() <= most_bytes);
  MUST(fuzz::is_utf8(body));
  rapidjson::Document document;
  document.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(body.data(), body.size());
  MUST(!document.HasParseError() && document.IsObject());
  must_not_repeat(document);
  return document;
}

inline void must_ask_for_a_stream(const rapidjson::Document& body) {
  MUST(find_text(&body, "model").data() != nullptr);
  const rapidjson::Value* stream = find_member(&body, "stream");
  MUST(stream != nullptr && stream->IsTrue());
}

// Calls must_hold(request, write(request) as JSON) for a payload that is taken.
template <typename Write, typename MustHold>
int check_written(const std::uint8_t* data, std::size_t size, const Write& write, const MustHold& must_hold) {
  HandoffRequestParser parser;
  const auto parsed = parser.parse(fuzz::text(data, size));
  if (!parsed.ok()) return 0;
  const HandoffRequest& request = **parsed;
  must_hold(request, must_be_an_object(write(request), kMostGrowth * size + kMostBesides));
  return 0;
}

}  // namespace streaming
