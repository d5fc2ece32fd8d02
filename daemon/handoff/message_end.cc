// SPDX-License-Identifier: Apache-2.0
#include "handoff/message_end.h"

#include <algorithm>

namespace streaming {

bool MessageEnd::is_reached_by(std::span<const char> bytes) {
  return std::any_of(bytes.begin(), bytes.end(), [this](char byte) { return is_reached_by(byte); });
}

bool MessageEnd::is_reached_by(char byte) {
  if (in_string_) {
    in_string_ = byte != '"' || escaped_;
    escaped_ = byte == '\\' && !escaped_;
    return false;
  }
  switch (byte) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
      return false;
    case '{':
    case '[':
      ++depth_;
      return false;
    case '}':
    case ']':
      return depth_ == 0 || --depth_ == 0;
    case '"':
      in_string_ = true;
      return depth_ == 0;
    default:
      return depth_ == 0;
  }
}

}  // namespace streaming
