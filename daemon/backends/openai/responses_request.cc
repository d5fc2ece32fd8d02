// SPDX-License-Identifier: Apache-2.0
#include "backends/openai/responses_request.h"

#include "backends/request_body.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Writer = RequestBody::Writer;

void write_image(Writer& writer, const Value* image) {
  writer.StartObject();
  writer.Key("type");
  writer.String("input_image");
  writer.Key("image_url");
  write_text(writer, find_text(image, "url"));
  if (const std::string_view detail = find_text(image, "detail"); !detail.empty()) {
    writer.Key("detail");
    write_text(writer, detail);
  }
  writer.EndObject();
}

void write_file(Writer& writer, const Value& file) {
  writer.StartObject();
  writer.Key("type");
  writer.String("input_file");
  for (const auto& [name, value] : file.GetObject()) {
    if (name == "type") continue;
    name.Accept(writer);
    value.Accept(writer);
  }
  writer.EndObject();
}

void write_part(Writer& writer, const Value& part, bool of_assistant) {
  const std::string_view type = find_text(&part, "type");
  const Value* image = find_member(&part, "image_url");
  if (type == "text") {
    write_pair(writer, "type", of_assistant ? "output_text" : "input_text", "text", find_text(&part, "text"));
  } else if (type == "image_url" && image != nullptr && image->IsObject()) {
    write_image(writer, image);
  } else if (const Value* file = find_member(&part, "file"); type == "file" && file != nullptr && file->IsObject()) {
    write_file(writer, *file);
  } else {
    part.Accept(writer);
  }
}

void write_content(Writer& writer, const Value& content, bool of_assistant) {
  if (!content.IsArray()) {
    content.Accept(writer);
    return;
  }
  writer.StartArray();
  for (const Value& part : content.GetArray()) write_part(writer, part, of_assistant);
  writer.EndArray();
}

void write_message_item(Writer& writer, const Value& message) {
  const bool of_assistant = find_text(&message, "role") == "assistant";
  writer.StartObject();
  for (const auto& [name, value] : message.GetObject()) {
    if (name == "tool_calls") continue;
    name.Accept(writer);
    name == "content" ? write_content(writer, value, of_assistant) : static_cast<void>(value.Accept(writer));
  }
  writer.EndObject();
}

void write_function_call(Writer& writer, const Value& call) {
  const Value* function = find_member(&call, "function");
  writer.StartObject();
  writer.Key("type");
  writer.String("function_call");
  writer.Key("call_id");
  write_text(writer, find_text(&call, "id"));
  writer.Key("name");
  write_text(writer, find_text(function, "name"));
  writer.Key("arguments");
  write_text(writer, find_text(function, "arguments"));
  writer.EndObject();
}

void write_function_call_output(Writer& writer, const Value& message) {
  const Value* content = find_member(&message, "content");
  writer.StartObject();
  writer.Key("type");
  writer.String("function_call_output");
  writer.Key("call_id");
  write_text(writer, find_text(&message, "tool_call_id"));
  writer.Key("output");
  content == nullptr ? static_cast<void>(writer.String("")) : write_content(writer, *content, false);
  writer.EndObject();
}

bool says_something(const Value& message) {
  const Value* content = find_member(&message, "content");
  if (content == nullptr) return false;
  return content->IsArray() ? !content->Empty() : !content->IsString() || content->GetStringLength() > 0;
}

// A message of Chat Completions that makes calls is several items here.
void write_items(Writer& writer, const Value& message) {
  if (!message.IsObject()) {
    message.Accept(writer);
    return;
  }
  if (find_text(&message, "role") == "tool") return write_function_call_output(writer, message);
  const Value* calls = find_tool_calls(message);
  if (calls == nullptr || says_something(message)) write_message_item(writer, message);
  if (calls == nullptr) return;
  for (const Value& call : calls->GetArray()) write_function_call(writer, call);
}

void write_input(RequestBody& body, const HandoffRequest& request) {
  if (request.messages != nullptr) {
    Writer& writer = body.begin("input");
    writer.StartArray();
    for (const Value& message : request.messages->GetArray()) write_items(writer, message);
    writer.EndArray();
  } else if (!request.prompt.empty() || !body.brings("input")) {
    body.write("input", request.prompt);
  }
}

}  // namespace

std::string responses_request(const HandoffRequest& request, std::string_view default_model) {
  RequestBody body(request.request);
  body.write("model", model_of(request, default_model));
  if (!request.system.empty()) body.write("instructions", request.system);
  write_input(body, request);
  body.write("stream", true);
  if (request.max_tokens) body.write("max_output_tokens", *request.max_tokens);
  if (request.temperature) body.write("temperature", *request.temperature);
  return body.finish();
}

}  // namespace streaming
