// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff_request.h"

#include <utility>

#include "handoff/request_fields.h"
#include "protocol/handoff_protocol.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;

// A message's content is a text, or a list of parts, some of which are texts.
std::string_view text_of_content(const Value& content) {
  if (content.IsString()) return text_of(content);
  if (!content.IsArray()) return {};
  for (const Value& part : content.GetArray()) {
    if (!part.IsObject()) continue;
    const auto text = part.FindMember("text");
    if (text != part.MemberEnd() && text->value.IsString()) return text_of(text->value);
  }
  return {};
}

std::string_view user_text(const Value& message) {
  if (!message.IsObject()) return {};
  const auto role = message.FindMember("role");
  const auto content = message.FindMember("content");
  if (role == message.MemberEnd() || content == message.MemberEnd() || role->value != "user") return {};
  return text_of_content(content->value);
}

Result<std::unique_ptr<HandoffRequest>> with_fields(std::unique_ptr<HandoffRequest> request, const Status& parsed) {
  if (!parsed) return parsed.error();
  if (const Status read = read_fields(*request); !read) return read.error();
  return request;
}

}  // namespace

bool ApacheFacts::takes_chunks() const {
  constexpr std::string_view kName = "HTTP/";
  return protocol.starts_with(kName) && protocol.substr(kName.size()) >= "1.1";
}

std::string_view HandoffRequest::last_user_text() const {
  if (messages == nullptr) return prompt;
  for (auto message = messages->End(); message != messages->Begin();) {
    if (const std::string_view text = user_text(*--message); !text.empty()) return text;
  }
  return prompt;
}

void HandoffRequest::forget_model() {
  model = {};
  rapidjson::Document& document = json.document();
  if (!document.IsObject()) return;
  for (const char* further : {"request", "lg_body"}) {
    if (document.HasMember(further) && document[further].IsObject()) document[further].RemoveMember("model");
  }
}

void HandoffRequest::replace_messages(rapidjson::Value replacement) {
  replaced_messages_ = std::move(replacement);
  messages = &replaced_messages_;
}

std::size_t HandoffRequest::bytes() const {
  return sizeof *this + json.bytes() + response_headers.capacity() * sizeof(HeaderField);
}

bool HandoffRequest::count_in(ByteBudget& budget) {
  held = HeldBytes(budget);
  const bool fits = held.set(2 * bytes());
  held.set(bytes());
  return fits;
}

Result<std::unique_ptr<HandoffRequest>> HandoffRequestParser::parse(std::span<const char> payload) {
  auto request = std::make_unique<HandoffRequest>();
  if (payload.size() == 1 && payload.front() == handoff_protocol::kNoPayload) return request;
  const Status parsed = request->json.parse(payload, scratch_);
  return with_fields(std::move(request), parsed);
}

Result<std::unique_ptr<HandoffRequest>> HandoffRequestParser::parse(PayloadFile payload) {
  auto request = std::make_unique<HandoffRequest>();
  const Status parsed = request->json.parse(std::move(payload), scratch_);
  return with_fields(std::move(request), parsed);
}

}  // namespace streaming
