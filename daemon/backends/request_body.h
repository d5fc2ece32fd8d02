// SPDX-License-Identifier: Apache-2.0
// RequestBody: the JSON object that is posted to an API. What the backend writes comes first and wins over the
// hand-off's `request`, whose other members follow as they are. Pure.

#pragma once

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "backends/json_fields.h"
#include "handoff/handoff_request.h"
#include "upstream/http_client.h"

namespace streaming {

class RequestBody {
 public:
  using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

  // `further`: the hand-off's `request`; null if it has none.
  explicit RequestBody(const rapidjson::Value* further) : further_(further) { writer_.StartObject(); }

  // The member of `request` with that name; null if there is none.
  const rapidjson::Value* brought(const char* name) const { return find_member(further_, name); }
  // Whether `request` has such a member, also if its value is null.
  bool brings(const char* name) const;

  void write(const char* name, std::string_view text);
  void write(const char* name, bool value);
  void write(const char* name, std::int64_t number);
  void write(const char* name, double number);
  void write(const char* name, const rapidjson::Value& value);
  // For a value of several parts, which must follow.
  Writer& begin(const char* name);

  // Writes no such member, even if `request` has one.
  void leave_out(const char* name) { written_.emplace_back(name); }

  std::string finish();

 private:
  const rapidjson::Value* const further_;
  rapidjson::StringBuffer buffer_;
  Writer writer_{buffer_};
  std::vector<std::string_view> written_;
};

// Gives `http` its body, and counts it in the hand-off's budget for as long as it is kept.
void set_body(HttpRequest& http, std::string body, const HandoffRequest& request);

inline void write_text(RequestBody::Writer& writer, std::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

// An object of two texts, as a message or a part of one is.
void write_pair(RequestBody::Writer& writer, const char* first_name, std::string_view first, const char* second_name,
                std::string_view second);

// The hand-off's own, else that of its `request`, else the configured one.
std::string_view model_of(const HandoffRequest& request, std::string_view default_model);

// The conversation: the hand-off's messages, or, if it has no prompt either, those of its `request`. Null: it is
// the prompt alone.
const rapidjson::Value* find_messages(const HandoffRequest& request);

// The calls that a message of Chat Completions makes; null if it makes none.
const rapidjson::Value* find_tool_calls(const rapidjson::Value& message);

}  // namespace streaming
