#include "backends/chat_completion.h"

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/json_input.h"

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

const Value* find_member(const Value* object, const char* name) {
  if (object == nullptr || !object->IsObject()) return nullptr;
  const auto member = object->FindMember(name);
  return member == object->MemberEnd() || member->value.IsNull() ? nullptr : &member->value;
}

const Value* first_choice(const Value& chunk) {
  const Value* choices = find_member(&chunk, "choices");
  return choices != nullptr && choices->IsArray() && !choices->Empty() ? &(*choices)[0] : nullptr;
}

bool is_truthy(const Value* value) {
  return value != nullptr && !value->IsFalse() && !(value->IsString() && value->GetStringLength() == 0);
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

ChatCompletionChunk parse_chat_completion_chunk(std::string& data) {
  ChatCompletionChunk chunk;
  char memory[4096];
  rapidjson::MemoryPoolAllocator<> pool(memory, sizeof memory);
  rapidjson::Document document(&pool);
  data.append(kJsonPadding, '\0');
  document.ParseInsitu<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>(data.data());
  if (document.HasParseError() || !document.IsObject()) return chunk;
  if (is_truthy(find_member(&document, "error"))) {
    chunk.kind = ChatCompletionChunk::Kind::kError;
    return chunk;
  }
  chunk.kind = ChatCompletionChunk::Kind::kDelta;
  const Value* choice = first_choice(document);
  const Value* content = find_member(find_member(choice, "delta"), "content");
  if (content != nullptr && content->IsString()) chunk.text = {content->GetString(), content->GetStringLength()};
  if (has_lone_surrogate(chunk.text)) return {};
  chunk.finished = is_truthy(find_member(choice, "finish_reason"));
  return chunk;
}

bool is_chat_completion_end(std::string_view data) {
  return data.starts_with("[DONE]");
}

}  // namespace streaming
