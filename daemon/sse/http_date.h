// SPDX-License-Identifier: Apache-2.0
// HttpDate: the current time as the text of a Date header, formatted at most once a second. One per worker, on its
// thread.

#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace streaming {

class HttpDate {
 public:
  // "Sun, 06 Nov 1994 08:49:37 GMT"; valid until the next call.
  std::string_view now() { return at(std::time(nullptr)); }
  std::string_view at(std::time_t second);

 private:
  std::time_t second_ = -1;
  std::string text_;
};

}  // namespace streaming
