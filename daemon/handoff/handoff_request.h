// SPDX-License-Identifier: Apache-2.0
// HandoffRequest: the payload of a hand-off. It is parsed once, and owns its text and its JSON: what it points to is its
// own.
//
// One owner at a time, on the worker's thread: the worker, then the backend that answers it, which frees it as soon as
// it needs it no more. All others borrow it.

#pragma once

#include <rapidjson/document.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_budget.h"
#include "base/header_field.h"
#include "base/result.h"
#include "handoff/payload_file.h"
#include "handoff/payload_json.h"

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
  // An empty one: no field is there.
  HandoffRequest() = default;
  HandoffRequest(const HandoffRequest&) = delete;
  HandoffRequest& operator=(const HandoffRequest&) = delete;

  std::string_view prompt;
  std::string_view system;
  std::string_view model;
  std::string_view backend;
  std::string_view format;
  std::string_view request_id;  // this and the next two may stand in a header
  std::string_view traceparent;
  std::string_view test_pattern;
  std::string_view image_path;
  std::string_view image_base64;
  std::string_view image_mime_type;
  std::string_view thread_id;
  std::string_view assistant_id;
  std::string_view profile;
  std::string user_id;  // an integer is written out
  ApacheFacts apache;

  // Null where they are absent.
  const rapidjson::Value* messages = nullptr;          // an array
  const rapidjson::Value* request = nullptr;           // an object: further fields for the upstream
  const rapidjson::Value* langgraph_input = nullptr;   // an object
  const rapidjson::Value* stream_mode = nullptr;       // a string, or an array of them
  const rapidjson::Value* attachments = nullptr;       // an array, or an object
  const rapidjson::Value* attachment_types = nullptr;  // of any type
  const rapidjson::Value* images = nullptr;            // an array
  const rapidjson::Value* image_paths = nullptr;       // an array

  bool continue_without_client = false;  // on_disconnect
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  std::vector<HeaderField> response_headers;  // of Apache's response, then the payload's own; not checked

  // What the user said last: the last of the messages that is the user's and has text, else the prompt.
  std::string_view last_user_text() const;

  // The model is left to the backend: the hand-off's was meant for another.
  void forget_model();

  // The conversation is another now, made with the allocator of `json`.
  void replace_messages(rapidjson::Value replacement);

  // The memory that it takes.
  std::size_t bytes() const;

  // Counts it in the budget as long as it lives. False unless there is room for it twice: what an API is sent is made of
  // it, and comes beside it.
  bool count_in(ByteBudget& budget);

  PayloadJson json;  // null in an empty request
  HeldBytes held;    // what it counts for; nothing before count_in()

 private:
  rapidjson::Value replaced_messages_;
};

// One per worker.
class HandoffRequestParser {
 public:
  // `payload` is only read. kNoPayload is an empty request. The Error's message is for the client: it says where the
  // JSON, or which field, is wrong.
  Result<std::unique_ptr<HandoffRequest>> parse(std::span<const char> payload);
  Result<std::unique_ptr<HandoffRequest>> parse(PayloadFile payload);

 private:
  JsonScratch scratch_;
};

}  // namespace streaming
