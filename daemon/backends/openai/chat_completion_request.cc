// SPDX-License-Identifier: Apache-2.0
#include "backends/openai/chat_completion_request.h"

#include "backends/request_body.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Writer = RequestBody::Writer;

// The conversation of the hand-off, or the prompt as its only message; the system's message first.
void write_conversation(Writer& writer, const HandoffRequest& request) {
  writer.StartArray();
  if (!request.system.empty()) write_pair(writer, "role", "system", "content", request.system);
  if (const Value* messages = find_messages(request); messages != nullptr) {
    for (const Value& message : messages->GetArray()) message.Accept(writer);
  } else {
    write_pair(writer, "role", "user", "content", request.prompt);
  }
  writer.EndArray();
}

// Asks for usage, unless `request` has null, which means that the server knows no such options.
void write_stream_options(RequestBody& body) {
  const Value* brought = body.brought("stream_options");
  Writer& writer = body.begin("stream_options");
  writer.StartObject();
  writer.Key("include_usage");
  writer.Bool(true);
  if (brought != nullptr && brought->IsObject()) {
    for (const auto& [name, value] : brought->GetObject()) {
      if (name == "include_usage") continue;
      name.Accept(writer);
      value.Accept(writer);
    }
  }
  writer.EndObject();
}

}  // namespace

std::string chat_completion_request(const HandoffRequest& request, std::string_view default_model) {
  RequestBody body(request.request);
  body.write("model", model_of(request, default_model));
  write_conversation(body.begin("messages"), request);
  body.write("stream", true);
  const bool refused = body.brings("stream_options") && body.brought("stream_options") == nullptr;
  refused ? body.leave_out("stream_options") : write_stream_options(body);
  if (request.max_tokens) body.write("max_tokens", *request.max_tokens);
  if (request.temperature) body.write("temperature", *request.temperature);
  return body.finish();
}

}  // namespace streaming
