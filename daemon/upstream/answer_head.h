// SPDX-License-Identifier: Apache-2.0
// AnswerHead: what is kept of an answer's head while its lines come, for both HTTP versions.
//
// A member of the request's or the connection's, on the worker's thread; freed when the receiver has the head.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "upstream/http_client.h"

namespace streaming {

struct AnswerHead {
  // False if the head is too large (kMaxUpstreamHeadBytes). The name is in small or capital letters.
  bool add(std::string_view name, std::string_view value);
  // As long as this lives.
  HttpHead view() const;

  int status = 0;
  std::size_t bytes = 0;  // of all names and values
  std::string content_type, content_encoding, retry_after, retry_after_ms, content_location, location;
};

}  // namespace streaming
