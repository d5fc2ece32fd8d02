// SPDX-License-Identifier: Apache-2.0
#include "backends/anthropic/messages_request.h"

#include <utility>

#include "backends/request_body.h"
#include "sse/tool_input.h"

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

void write_parts(Writer& writer, const Value& content) {
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
}

void write_content(Writer& writer, const Value& content) {
  if (!content.IsArray()) {
    content.Accept(writer);
    return;
  }
  writer.StartArray();
  write_parts(writer, content);
  writer.EndArray();
}

// What a message of Chat Completions may have besides, and this API refuses.
bool is_chats_alone(const Value& name) {
  for (const char* alone : {"tool_calls", "function_call", "refusal", "annotations", "audio", "name"}) {
    if (name == alone) return true;
  }
  return false;
}

void write_message(Writer& writer, const Value& message) {
  if (!message.IsObject()) {
    message.Accept(writer);
    return;
  }
  writer.StartObject();
  for (const auto& [name, value] : message.GetObject()) {
    if (is_chats_alone(name)) continue;
    name.Accept(writer);
    name == "content" ? write_content(writer, value) : static_cast<void>(value.Accept(writer));
  }
  writer.EndObject();
}

// An object that can be copied into the body unchanged.
bool is_input_object(std::string_view arguments) {
  JsonScratch scratch;
  return PayloadJson().parse(arguments, scratch).ok() && is_tool_input(arguments);
}

// The calls' inputs are objects here, and text in Chat Completions.
void write_tool_input(Writer& writer, std::string_view arguments) {
  if (arguments.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    writer.StartObject();
    writer.EndObject();
  } else if (is_input_object(arguments)) {
    writer.RawValue(arguments.data(), arguments.size(), rapidjson::kObjectType);
  } else {
    writer.StartObject();
    writer.Key("arguments");
    write_text(writer, arguments);
    writer.EndObject();
  }
}

void write_tool_use(Writer& writer, const Value& call) {
  const Value* function = find_member(&call, "function");
  writer.StartObject();
  writer.Key("type");
  writer.String("tool_use");
  writer.Key("id");
  write_text(writer, find_text(&call, "id"));
  writer.Key("name");
  write_text(writer, find_text(function, "name"));
  writer.Key("input");
  write_tool_input(writer, find_text(function, "arguments"));
  writer.EndObject();
}

void write_tool_calls(Writer& writer, const Value& message, const Value& calls) {
  writer.StartObject();
  writer.Key("role");
  writer.String("assistant");
  writer.Key("content");
  writer.StartArray();
  const Value* content = find_member(&message, "content");
  if (content != nullptr && content->IsArray()) {
    write_parts(writer, *content);
  } else if (const std::string_view text = find_text(&message, "content"); !text.empty()) {
    write_pair(writer, "type", "text", "text", text);
  }
  for (const Value& call : calls.GetArray()) write_tool_use(writer, call);
  writer.EndArray();
  writer.EndObject();
}

void write_tool_result(Writer& writer, const Value& message) {
  writer.StartObject();
  writer.Key("type");
  writer.String("tool_result");
  writer.Key("tool_use_id");
  write_text(writer, find_text(&message, "tool_call_id"));
  if (const Value* content = find_member(&message, "content"); content != nullptr) {
    writer.Key("content");
    write_content(writer, *content);
  }
  writer.EndObject();
}

// Results of tools are a turn of the user: one turn for all results that follow each other.
class ToolResults {
 public:
  explicit ToolResults(Writer& writer) : writer_(writer) {}

  void add(const Value& message) {
    if (!std::exchange(open_, true)) {
      writer_.StartObject();
      writer_.Key("role");
      writer_.String("user");
      writer_.Key("content");
      writer_.StartArray();
    }
    write_tool_result(writer_, message);
  }
  void end() {
    if (!std::exchange(open_, false)) return;
    writer_.EndArray();
    writer_.EndObject();
  }

 private:
  Writer& writer_;
  bool open_ = false;
};

void write_conversation(Writer& writer, const Value& messages) {
  ToolResults results(writer);
  for (const Value& message : messages.GetArray()) {
    if (is_of_system(message)) continue;
    if (find_text(&message, "role") == "tool") {
      results.add(message);
      continue;
    }
    results.end();
    if (const Value* calls = find_tool_calls(message); calls != nullptr) {
      write_tool_calls(writer, message, *calls);
    } else {
      write_message(writer, message);
    }
  }
  results.end();
}

void write_messages(Writer& writer, const HandoffRequest& request) {
  writer.StartArray();
  if (const Value* messages = find_messages(request); messages != nullptr) {
    write_conversation(writer, *messages);
  } else {
    write_pair(writer, "role", "user", "content", request.prompt);
  }
  writer.EndArray();
}

// A text block for each message of the system; one in parts stays in parts.
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
