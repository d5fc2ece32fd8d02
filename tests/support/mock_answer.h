// SPDX-License-Identifier: Apache-2.0
// The mock backend's answer as the browser gets it.

#pragma once

#include <string>
#include <string_view>

namespace streaming {

inline std::size_t occurrences(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

inline bool is_whole(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("data: [DONE]\n\n") &&
         occurrences(answer, "data: {\"content\":\"") == 18;
}

}  // namespace streaming
