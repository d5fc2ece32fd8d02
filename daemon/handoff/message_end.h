// SPDX-License-Identifier: Apache-2.0
// MessageEnd: finds where the message of a SOCK_STREAM connection ends, whose bytes may come in parts.
//
// It is the end of the JSON object, since the peer need not close its end. Bytes that begin no object are a whole message
// as they come: kNoPayload, or no valid payload. Strings and brackets alone are told apart, and each byte is looked at
// once; the parser decides on the rest. One per message, on the worker's thread.

#pragma once

#include <cstdint>
#include <span>

namespace streaming {

class MessageEnd {
 public:
  // Whether the message is whole with these bytes, which follow those of the calls before. Not after it is.
  bool is_reached_by(std::span<const char> bytes);

 private:
  bool is_reached_by(char byte);

  std::uint32_t depth_ = 0;  // of the brackets around the next byte; no more than there are bytes
  bool in_string_ = false;
  bool escaped_ = false;  // the next byte, in a string
};

}  // namespace streaming
