#include "backends/messages_request.h"

#include "backends/request_body.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Writer = RequestBody::Writer;

constexpr std::string_view kDataUrl = "data:";
constexpr std::string_view kBase64 = ";base64,";

bool is_of_system(const Value& message) {
  const std::string_view role = find_text(&message, "role");
  return role == "system" || role == "developer";
}

// `type` is "image" or "document".
void write_source(Writer& writer, const char* type, std::string_view url) {
  writer.StartObject();
  writer.Key("type");
  writer.String(type);
  writer.Key("source");
  const std::size_t mark = url.find(kBase64);
  if (url.starts_with(kDataUrl) && mark != std::string_view::npos) {
    writer.StartObject();
    writer.Key("type");
    writer.String("base64");
    writer.Key("media_type");
    write_text(writer, url.substr(kDataUrl.size(), mark - kDataUrl.size()));
    writer.Key("data");
    write_text(writer, url.substr(mark + kBase64.size()));
    writer.EndObject();
  } else {
    write_pair(writer, "type", "url", "url", url);
  }
  writer.EndObject();
}

void write_content(Writer& writer, const Value& content) {
  if (!content.IsArray()) {
    content.Accept(writer);
    return;
  }
  writer.StartArray();
  for (const Value& part : content.GetArray()) {
    const std::string_view url = find_text(find_member(&part, "image_url"), "url");
    const std::string_view file = find_text(find_member(&part, "file"), "file_data");
    if (!url.empty()) {
      write_source(writer, "image", url);
    } else if (!file.empty()) {
      write_source(writer, "document", file);
    } else {
      part.Accept(writer);
    }
  }
  writer.EndArray();
}

void write_message(Writer& writer, const Value& message) {
  if (!message.IsObject()) {
    message.Accept(writer);
    return;
  }
  writer.StartObject();
  for (const auto& [name, value] : message.GetObject()) {
    name.Accept(writer);
    name == "content" ? write_content(writer, value) : static_cast<void>(value.Accept(writer));
  }
  writer.EndObject();
}

void write_messages(Writer& writer, const HandoffRequest& request) {
  writer.StartArray();
  if (const Value* messages = find_messages(request); messages != nullptr) {
    for (const Value& message : messages->GetArray()) {
      if (!is_of_system(message)) write_message(writer, message);
    }
  } else {
    write_pair(writer, "role", "user", "content", request.prompt);
  }
  writer.EndArray();
}

// A text block for each word of the system's; what is written in parts stays in parts.
void write_system_blocks(Writer& writer, const HandoffRequest& request, const Value& messages) {
  writer.StartArray();
  if (!request.system.empty()) write_pair(writer, "type", "text", "text", request.system);
  for (const Value& message : messages.GetArray()) {
    const Value* content = is_of_system(message) ? find_member(&message, "content") : nullptr;
    if (content == nullptr) continue;
    if (content->IsArray()) {
      for (const Value& part : content->GetArray()) part.Accept(writer);
    } else {
      write_pair(writer, "type", "text", "text", find_text(&message, "content"));
    }
  }
  writer.EndArray();
}

void write_system(RequestBody& body, const HandoffRequest& request) {
  const Value* messages = find_messages(request);
  bool among_messages = false;
  if (messages != nullptr) {
    for (const Value& message : messages->GetArray()) among_messages |= is_of_system(message);
  }
  if (among_messages) {
    write_system_blocks(body.begin("system"), request, *messages);
  } else if (!request.system.empty()) {
    body.write("system", request.system);
  }
}

}  // namespace

std::string messages_request(const HandoffRequest& request, std::string_view default_model,
                             std::int64_t default_max_tokens) {
  RequestBody body(request.request);
  body.write("model", model_of(request, default_model));
  if (request.max_tokens || body.brought("max_tokens") == nullptr) {
    body.write("max_tokens", request.max_tokens.value_or(default_max_tokens));
  }
  write_system(body, request);
  write_messages(body.begin("messages"), request);
  body.write("stream", true);
  if (request.temperature) body.write("temperature", *request.temperature);
  return body.finish();
}

}  // namespace streaming
