// What a hand-off carries: the handler's data, and before it what Apache adds. Two pieces, so that the data need not be
// copied. Pure; borrows both from the request's pool.

#pragma once

#include <cstddef>
#include <string_view>

namespace socket_handoff {

struct Payload {
  std::string_view front;
  std::string_view rest;

  std::size_t size() const { return front.size() + rest.size(); }
};

}  // namespace socket_handoff
