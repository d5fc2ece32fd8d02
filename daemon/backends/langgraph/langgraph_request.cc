// SPDX-License-Identifier: Apache-2.0
#include "backends/langgraph/langgraph_request.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "backends/limits.h"
#include "backends/request_body.h"

namespace streaming {
namespace {

using Value = rapidjson::Value;
using Writer = RequestBody::Writer;

void write_input_message(Writer& writer, const char* role, std::string_view content, bool as_blocks) {
  if (!as_blocks) return write_pair(writer, "role", role, "content", content);
  writer.StartObject();
  writer.Key("role");
  writer.String(role);
  writer.Key("content");
  writer.StartArray();
  write_pair(writer, "type", "text", "text", content);
  writer.EndArray();
  writer.EndObject();
}

bool has_messages(const HandoffRequest& request) {
  return request.messages != nullptr || !request.prompt.empty() || !request.system.empty();
}

void write_input(Writer& writer, const HandoffRequest& request, bool as_blocks) {
  writer.Key("messages");
  writer.StartArray();
  if (!request.system.empty()) write_input_message(writer, "system", request.system, as_blocks);
  if (request.messages != nullptr) {
    for (const Value& message : request.messages->GetArray()) message.Accept(writer);
  } else if (!request.prompt.empty()) {
    write_input_message(writer, "user", request.prompt, as_blocks);
  }
  writer.EndArray();
}

// The conversation, and the fields that the graph wants besides; its own messages take precedence.
void write_input(RequestBody& body, const HandoffRequest& request, bool as_blocks) {
  const Value* fields = request.langgraph_input;
  if (fields == nullptr && !has_messages(request)) return;  // the thread continues its state
  Writer& writer = body.begin("input");
  writer.StartObject();
  if (has_messages(request) && (fields == nullptr || !fields->HasMember("messages"))) {
    write_input(writer, request, as_blocks);
  }
  if (fields != nullptr) {
    for (const auto& field : fields->GetObject()) {
      field.name.Accept(writer);
      field.value.Accept(writer);
    }
  }
  writer.EndObject();
}

void write_stream_mode(RequestBody& body, const Value* asked, const std::vector<std::string>& configured) {
  if (asked != nullptr) return body.write("stream_mode", *asked);
  if (body.brings("stream_mode")) return;
  if (configured.size() == 1) return body.write("stream_mode", configured.front());
  Writer& writer = body.begin("stream_mode");
  writer.StartArray();
  for (const std::string& mode : configured) write_text(writer, mode);
  writer.EndArray();
}

void write_assistant(RequestBody& body, std::string_view asked, std::string_view configured) {
  if (!asked.empty()) return body.write("assistant_id", asked);
  if (!body.brings("assistant_id")) body.write("assistant_id", configured);
}

}  // namespace

bool is_thread_id(std::string_view id) {
  constexpr std::string_view kAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.:";
  return id.size() <= kMaxThreadIdBytes && id.find_first_not_of(kAlphabet) == std::string_view::npos &&
         id.find_first_not_of('.') != std::string_view::npos;
}

std::string run_request(const HandoffRequest& request, const LangGraphDefaults& defaults) {
  RequestBody body(request.request);
  write_assistant(body, request.assistant_id, defaults.assistant_id);
  write_input(body, request, defaults.content_blocks);
  write_stream_mode(body, request.stream_mode, defaults.stream_mode);
  body.write("on_disconnect", std::string_view(request.continue_without_client ? "continue" : "cancel"));
  return body.finish();
}

std::string thread_request(std::string_view thread_id) {
  rapidjson::StringBuffer buffer;
  Writer writer(buffer);
  write_pair(writer, "thread_id", thread_id, "if_exists", "do_nothing");
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace streaming
