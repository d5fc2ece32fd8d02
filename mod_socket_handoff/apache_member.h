// What Apache knows of a request, as the first member of the payload: "apache":{"headers":[[name,value],...],...}.
// Pure.

#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "mod_socket_handoff/json.h"

namespace socket_handoff {

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

}  // namespace socket_handoff
