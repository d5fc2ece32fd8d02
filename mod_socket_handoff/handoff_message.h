// SPDX-License-Identifier: Apache-2.0
// One message of a hand-off: what it carries (the connection part, the handler's data, Apache's member in front of it,
// or a file for data that is too large for a message), and how it is sent to a connected daemon, with the client's
// socket as SCM_RIGHTS. Pure: knows nothing of httpd.

#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/json.h"
#include "protocol/connection_part.h"

namespace socket_handoff {

// The connection part of a client, as it goes into the message. May have the keys of the client's connection, and wipes
// itself when it is destroyed. On the stack of the thread that makes the hand-off.
class WrittenConnectionPart {
 public:
  WrittenConnectionPart() = default;
  WrittenConnectionPart(const WrittenConnectionPart&) = delete;
  WrittenConnectionPart& operator=(const WrittenConnectionPart&) = delete;
  ~WrittenConnectionPart();

  void write(const handoff_protocol::ConnectionState& connection) {
    size_ = handoff_protocol::write_connection_part(connection, part_);
  }

  std::string_view text() const { return {reinterpret_cast<const char*>(part_.data()), size_}; }  // empty: none

 private:
  std::array<std::uint8_t, handoff_protocol::kMaxConnectionPartBytes> part_;
  std::size_t size_ = 0;
};

// Pieces, so that the data need not be copied. Borrows them from the request's pool, and the connection part from a
// WrittenConnectionPart.
struct Payload {
  std::string_view connection_part = {};  // in front of the payload itself; empty: a plain client
  std::string_view front;  // what Apache adds: the opening brace and its member; empty if the data is not a JSON object
  std::string_view rest;   // the handler's data, without the opening brace if `front` has it
  bool is_json_object = false;

  std::size_t size() const { return front.size() + rest.size(); }  // without the connection part

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
  std::string_view last_event_id;  // the request's Last-Event-ID: what a client that reconnects has seen last
  std::string_view browser;        // over HTTP/2, the User-Agent of a browser
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

// In place of a client: the message is a reservation and brings none.
inline constexpr int kNoClient = -1;

// Both functions borrow all descriptors, and block the calling Apache thread for at most the time allowed.

// An empty payload is sent as kNoPayload.
SendResult send_handoff(int daemon, int client, const Payload& payload, std::chrono::milliseconds time_allowed);

// The payload is in the file, a sealed memfd; the message is kNoPayload with both descriptors. The connection part is
// in the message, because a file outlives it.
SendResult send_handoff_with_file(int daemon, int client, std::string_view connection_part, int file,
                                  std::chrono::milliseconds time_allowed);

// Sends a payload to one daemon after the other: in the message itself or, if it is too large for that, in a file
// beside it. On the stack of the thread that makes the hand-off. Borrows the payload.
class PayloadSender {
 public:
  explicit PayloadSender(const Payload& payload) : payload_(payload) {}

  const Payload& payload() const { return payload_; }

  // `type` is the daemon's socket's: a file goes only with SOCK_SEQPACKET. Borrows both descriptors, and blocks for at
  // most the time allowed.
  SendResult send(int daemon, int type, int client, std::chrono::milliseconds time_allowed);

 private:
  const Payload& payload_;
  UniqueDescriptor file_;  // created when it is needed, then used for each daemon that is tried
};

}  // namespace socket_handoff
