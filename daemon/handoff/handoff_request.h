// HandoffRequest: the payload of a hand-off, parsed. A view into the receive buffer and its parser.
//
// Valid during the call that hands it out alone: a backend takes from it what it needs in start().

#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/header_field.h"
#include "base/result.h"

namespace streaming {

// What mod_socket_handoff says of the request that was handed over; each empty where it says nothing.
struct ApacheFacts {
  std::string_view request_id;  // mod_unique_id's
  std::string_view client;      // the client's address
  std::string_view path;
  std::string_view protocol;  // "HTTP/1.1"

  // Whether the client, or what relays to it, knows the chunks of HTTP/1.1.
  bool takes_chunks() const;
};

struct HandoffRequest {
  std::string_view prompt;
  std::string_view system;
  std::string_view model;
  std::string_view backend;
  std::string_view format;
  std::string_view request_id;  // this and the next two may stand in a header
  std::string_view traceparent;
  std::string_view test_pattern;
  std::string_view thread_id;
  std::string_view assistant_id;
  std::string_view profile;
  std::string user_id;  // an integer is written out
  ApacheFacts apache;

  // Null where they are absent.
  const rapidjson::Value* payload = nullptr;           // the object that holds all of it
  const rapidjson::Value* messages = nullptr;          // an array
  const rapidjson::Value* request = nullptr;           // an object: further fields for the upstream
  const rapidjson::Value* langgraph_input = nullptr;   // an object
  const rapidjson::Value* stream_mode = nullptr;       // a string, or an array of them
  const rapidjson::Value* attachments = nullptr;       // an array
  const rapidjson::Value* attachment_types = nullptr;  // of any type
  const rapidjson::Value* images = nullptr;            // an array

  bool continue_without_client = false;  // on_disconnect
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  std::vector<HeaderField> response_headers;  // of Apache's response, then the payload's own; not checked

  // What the user said last: the last of the messages that is the user's and has text, else the prompt.
  std::string_view last_user_text() const;
};

// One per worker; keeps its memory from one payload to the next.
class HandoffRequestParser {
 public:
  // Parses `payload` in place; kJsonPadding writable bytes must stand behind it. kNoPayload is an empty request. The
  // Error's message is for the client: it says where the JSON, or which field, is wrong.
  Result<HandoffRequest> parse(std::span<char> payload);

  // The request is no longer needed: frees what a large one took.
  void clear();

 private:
  static constexpr std::size_t kPoolBytes = 16 * 1024;  // larger payloads allocate

  alignas(std::max_align_t) char pool_memory_[kPoolBytes];
  rapidjson::MemoryPoolAllocator<> pool_{pool_memory_, sizeof pool_memory_};
  rapidjson::Document document_{&pool_};
};

}  // namespace streaming
