// What a hand-off carries: the handler's data, and before it what Apache adds. Two pieces, so that the data need not be
// copied. Pure; borrows both from the request's pool.

#pragma once

#include <cstddef>
#include <string_view>

namespace socket_handoff {

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

}  // namespace socket_handoff
