// SPDX-License-Identifier: Apache-2.0
// HandoffRequest: the payload of a hand-off. It is parsed once and owns its text and its JSON: all its members point
// into them.
//
// One owner at a time, on the worker's thread: first the worker, then the backend that answers it, which frees it as
// early as it can. All others borrow it.

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

// What mod_socket_handoff reports about the client's request. A member is empty if it is not reported.
struct ApacheFacts {
  std::string_view request_id;  // mod_unique_id's
  std::string_view client;      // the client's address
  std::string_view path;
  std::string_view protocol;       // "HTTP/1.1"
  std::string_view last_event_id;  // the request's Last-Event-ID
  std::string_view browser;        // over HTTP/2, the User-Agent of a browser

  // Whether the client, or Apache if it relays to the client, understands the chunks of HTTP/1.1.
  bool takes_chunks() const;
};

// What a hand-off wants of the answer that its answer_id names.
enum class AnswerAction : std::uint8_t {
  kAsk,     // that it is asked for, unless it runs or is kept already
  kFollow,  // to read it
  kStop,    // that it ends
};

struct HandoffRequest {
  // An empty request, without any field.
  HandoffRequest() = default;
  HandoffRequest(const HandoffRequest&) = delete;
  HandoffRequest& operator=(const HandoffRequest&) = delete;

  std::string_view prompt;
  std::string_view system;
  std::string_view model;
  std::string_view backend;
  std::string_view format;
  std::string_view request_id;  // this and the next two are valid as header values
  std::string_view traceparent;
  std::string_view test_pattern;
  std::string_view image_path;
  std::string_view image_base64;
  std::string_view image_mime_type;
  std::string_view thread_id;
  std::string_view assistant_id;
  std::string_view profile;
  std::string_view answer_id;  // of letters, digits and "._:-"
  std::string_view on_end;       // the hook that gets a report of the answer
  std::string_view on_end_data;  // JSON for the report; empty if there is none
  std::string_view after;      // an event's id; an integer becomes its digits
  std::string user_id;  // integers become their digits
  ApacheFacts apache;

  // Null if absent.
  const rapidjson::Value* messages = nullptr;          // an array
  const rapidjson::Value* request = nullptr;           // an object: further fields for the upstream
  const rapidjson::Value* langgraph_input = nullptr;   // an object
  const rapidjson::Value* stream_mode = nullptr;       // a string, or an array of them
  const rapidjson::Value* attachments = nullptr;       // an array, or an object
  const rapidjson::Value* attachment_types = nullptr;  // of any type
  const rapidjson::Value* images = nullptr;            // an array
  const rapidjson::Value* image_paths = nullptr;       // an array

  AnswerAction action = AnswerAction::kAsk;
  bool for_successor = false;      // it is another daemon's, which takes this one's place and keeps the answer itself
  bool predecessor_asked = false;  // this daemon's predecessor does not have the answer
  bool store_asked = false;        // the store, on which hosts share answers, does not have it
  bool user_asked = false;         // the store lets its user in, on this worker, or cannot be asked
  std::uint64_t answer_run = 0;  // of the answer that it was sent on to another worker for; 0: it was not
  bool continue_without_client = false;  // on_disconnect
  std::optional<std::int64_t> max_tokens;
  std::optional<double> temperature;
  std::vector<HeaderField> response_headers;  // of Apache's response, then the payload's; not checked

  // The text of the last message that is the user's and has text, otherwise the prompt.
  std::string_view last_user_text() const;

  // Leaves the model to the backend, because the hand-off names one for another backend.
  void forget_model();

  // Replaces the conversation. `replacement` uses the allocator of `json`.
  void replace_messages(rapidjson::Value replacement);

  // The memory that it takes, in bytes.
  std::size_t bytes() const;

  // Counts it in the budget for as long as it lives. False unless there is room for it twice: the body for the API is
  // made from it and needs about as much again.
  bool count_in(ByteBudget& budget);

  PayloadJson json;  // null if the request is empty
  HeldBytes held;    // its share of the budget; none before count_in()

 private:
  rapidjson::Value replaced_messages_;
};

// One per worker.
class HandoffRequestParser {
 public:
  // `payload` is only read. kNoPayload makes an empty request. The Error's message is for the client: it names the
  // field, or the place in the JSON, that is wrong.
  Result<std::unique_ptr<HandoffRequest>> parse(std::span<const char> payload);
  Result<std::unique_ptr<HandoffRequest>> parse(PayloadFile payload);

 private:
  JsonScratch scratch_;
};

}  // namespace streaming
