// SPDX-License-Identifier: Apache-2.0
// The one message of a hand-off: what it carries (the handler's data, Apache's member in front of it, or a file for
// data that is too large for a message), and how it is sent to a connected daemon, with the client's socket as
// SCM_RIGHTS. Pure: knows nothing of httpd.

#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/json.h"

namespace socket_handoff {

// Two pieces, so that the data need not be copied. Borrows both from the request's pool.
struct Payload {
  std::string_view front;  // what Apache adds: the opening brace and its member; empty if the data is not a JSON object
  std::string_view rest;   // the handler's data, without the opening brace if `front` has it
  bool is_json_object = false;

  std::size_t size() const { return front.size() + rest.size(); }

  // True of data that no server of another protocol could take for a request of its own: none, or a JSON object on one
  // line. In a protocol with one command a line, a line break could begin a command.
  bool is_fit_for_stream_socket() const {
    return size() == 0 || (is_json_object && rest.find_first_of("\r\n") == std::string_view::npos);
  }
};

struct HeaderField {
  std::string_view name;
  std::string_view value;
};

// What Apache knows of a request: the payload's first member, "apache":{"headers":[[name,value],...],...}. What is
// empty is left out. Borrows all texts.
struct ApacheFacts {
  std::span<const HeaderField> headers;  // of the handler's response, for the head of the daemon's answer
  std::string_view request_id;
  std::string_view client;
  std::string_view method;
  std::string_view uri;
  std::string_view protocol;  // of the client, "HTTP/1.1"; the daemon frames its answer by it
};

// What follows the object's opening brace; none if the payload is not a JSON object.
std::optional<std::string_view> rest_of_object(std::string_view payload);

// Writes the opening brace, the member, and a comma if `rest` has members too.
void write_front(JsonText& text, const ApacheFacts& facts, std::string_view rest);

// A memfd with the payload, sealed, so that the daemon can map it and knows that it neither changes nor shrinks. None,
// and errno set, if there is no room for it.
UniqueDescriptor make_payload_file(const Payload& payload);

struct SendResult {
  // True from the moment the daemon can have the client's socket. From then on Apache must not write to the client,
  // even if the rest of a payload to a SOCK_STREAM daemon fails.
  bool client_is_gone = false;
  int error = 0;  // errno; ETIMEDOUT if the daemon did not take the message in time
};

// Both functions borrow all descriptors, and block the calling Apache thread for at most the time allowed.

// An empty payload is sent as kNoPayload.
SendResult send_handoff(int daemon, int client, const Payload& payload, std::chrono::milliseconds time_allowed);

// The payload is in the file, a sealed memfd; the message is kNoPayload with both descriptors.
SendResult send_handoff_with_file(int daemon, int client, int file, std::chrono::milliseconds time_allowed);

}  // namespace socket_handoff
