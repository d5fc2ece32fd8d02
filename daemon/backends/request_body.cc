// SPDX-License-Identifier: Apache-2.0
#include "backends/request_body.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace streaming {

bool RequestBody::brings(const char* name) const {
  return further_ != nullptr && further_->HasMember(name);
}

void RequestBody::write(const char* name, std::string_view text) {
  write_text(begin(name), text);
}

void RequestBody::write(const char* name, bool value) {
  begin(name).Bool(value);
}

void RequestBody::write(const char* name, std::int64_t number) {
  begin(name).Int64(number);
}

void RequestBody::write(const char* name, double number) {
  begin(name).Double(number);
}

void RequestBody::write(const char* name, const rapidjson::Value& value) {
  value.Accept(begin(name));
}

RequestBody::Writer& RequestBody::begin(const char* name) {
  written_.emplace_back(name);
  writer_.Key(name);
  return writer_;
}

std::string RequestBody::finish() {
  if (further_ != nullptr) {
    for (const auto& [name, value] : further_->GetObject()) {
      const std::string_view key(name.GetString(), name.GetStringLength());
      if (std::find(written_.begin(), written_.end(), key) != written_.end()) continue;
      writer_.Key(name.GetString(), name.GetStringLength());
      value.Accept(writer_);
    }
  }
  writer_.EndObject();
  CHECK(writer_.IsComplete());
  return {buffer_.GetString(), buffer_.GetSize()};
}

void set_body(HttpRequest& http, std::string body, const HandoffRequest& request) {
  http.held = request.held.another(body.capacity());
  http.body = std::move(body);
}

void write_pair(RequestBody::Writer& writer, const char* first_name, std::string_view first, const char* second_name,
                std::string_view second) {
  writer.StartObject();
  writer.Key(first_name);
  write_text(writer, first);
  writer.Key(second_name);
  write_text(writer, second);
  writer.EndObject();
}

std::string_view model_of(const HandoffRequest& request, std::string_view default_model) {
  if (!request.model.empty()) return request.model;
  const std::string_view brought = find_text(request.request, "model");
  return brought.empty() ? default_model : brought;
}

const rapidjson::Value* find_messages(const HandoffRequest& request) {
  if (request.messages != nullptr || !request.prompt.empty()) return request.messages;
  const rapidjson::Value* messages = find_member(request.request, "messages");
  return messages != nullptr && messages->IsArray() ? messages : nullptr;
}

const rapidjson::Value* find_tool_calls(const rapidjson::Value& message) {
  const rapidjson::Value* calls = find_member(&message, "tool_calls");
  return calls != nullptr && calls->IsArray() && !calls->Empty() ? calls : nullptr;
}

}  // namespace streaming
