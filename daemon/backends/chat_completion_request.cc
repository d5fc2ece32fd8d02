#include "backends/chat_completion_request.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Writer = rapidjson::Writer<rapidjson::StringBuffer>;

void write_string(Writer& writer, std::string_view text) {
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write_message(Writer& writer, const char* role, std::string_view content) {
  writer.StartObject();
  writer.Key("role");
  writer.String(role);
  writer.Key("content");
  write_string(writer, content);
  writer.EndObject();
}

// The conversation that the hand-off brings, or the prompt as its only message; the system's word first.
void write_messages(Writer& writer, const HandoffRequest& request) {
  writer.Key("messages");
  writer.StartArray();
  if (!request.system.empty()) write_message(writer, "system", request.system);
  if (request.messages != nullptr) {
    for (const Value& message : request.messages->GetArray()) message.Accept(writer);
  } else {
    write_message(writer, "user", request.prompt);
  }
  writer.EndArray();
}

}  // namespace

std::string chat_completion_request(const HandoffRequest& request, std::string_view default_model) {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  writer.StartObject();
  writer.Key("model");
  write_string(writer, request.model.empty() ? default_model : request.model);
  write_messages(writer, request);
  writer.Key("stream");
  writer.Bool(true);
  writer.Key("stream_options");
  writer.StartObject();
  writer.Key("include_usage");
  writer.Bool(true);
  writer.EndObject();
  if (request.max_tokens) {
    writer.Key("max_tokens");
    writer.Int64(*request.max_tokens);
  }
  if (request.temperature) {
    writer.Key("temperature");
    writer.Double(*request.temperature);
  }
  writer.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace streaming
