// SPDX-License-Identifier: Apache-2.0
// Reads a response of HTTP/1.1 from all bytes that a client has got, which may be cut anywhere. Strict, and without any
// code of the daemon. Pure.

#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace streaming::simulation {

struct HttpResponse {
  // Empty if there is none. `name` in lower case.
  std::string_view header(std::string_view name) const;

  int status = 0;                                            // 0: the head is not whole
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
  std::string body;                                          // without the marks of chunks
  bool is_delimited = false;  // by chunks or a length; otherwise the connection's end ends it
  bool is_whole = false;      // the end of a delimited body has come
  std::string problem;        // what no client should have to read; empty: nothing
};

HttpResponse read_http_response(std::string_view bytes);

}  // namespace streaming::simulation
