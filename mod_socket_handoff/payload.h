// What a hand-off carries: the handler's data, Apache's member in front of it, and the memfd for data that is too large for
// a message. Pure: knows nothing of httpd.

#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/json.h"

namespace socket_handoff {

// What a hand-off carries: the handler's data, and before it what Apache adds. Two pieces, so that the data need not be
// copied. Pure; borrows both from the request's pool.
struct Payload {
  std::string_view front;
  std::string_view rest;
  bool is_json_object = false;

  std::size_t size() const { return front.size() + rest.size(); }

  // What no server of another protocol could take for a request of its own: nothing, or a JSON object on one line. Its
  // line breaks could begin the commands of a protocol that has one command a line.
  bool is_fit_for_stream_socket() const {
    return size() == 0 || (is_json_object && rest.find_first_of("\r\n") == std::string_view::npos);
  }
};

// What Apache knows of a request, as the first member of the payload: "apache":{"headers":[[name,value],...],...}.
// Pure.
struct HeaderField {
  std::string_view name;
  std::string_view value;
};

struct ApacheFacts {
  std::span<const HeaderField> headers;  // of the response, for the head of the daemon's
  std::string_view request_id;           // left out where empty, as the others are
  std::string_view client;
  std::string_view method;
  std::string_view uri;
  std::string_view protocol;  // which the client speaks, "HTTP/1.1"; the daemon frames its answer by it
};

// Where a payload has room for the member: what follows the object's opening brace. None where it is no JSON object.
std::optional<std::string_view> rest_of_object(std::string_view payload);

// The opening brace, the member, and a comma where `rest` has members too.
void write_front(JsonText& text, const ApacheFacts& facts, std::string_view rest);

// A payload that is too large for a message: in a memfd, sealed, so that the daemon can map it without fear that it
// changes or shrinks.
UniqueDescriptor make_payload_file(const Payload& payload);  // none, and errno set, where there is no room

}  // namespace socket_handoff
