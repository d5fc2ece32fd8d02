// SPDX-License-Identifier: Apache-2.0
// MessageEnd: finds the end of a message on a SOCK_STREAM connection, where it may arrive in parts.
//
// A message ends with its JSON object, because the peer need not close its end. Bytes that do not begin an object are a
// whole message: kNoPayload, or an invalid payload. It distinguishes only strings and brackets and looks at each byte
// once; the parser checks the rest. One per message, on the worker's thread.

#pragma once

#include <cstdint>
#include <span>

namespace streaming {

class MessageEnd {
 public:
  // Whether the message ends in these bytes, which follow those of earlier calls. Do not call it again after it has
  // returned true.
  bool is_reached_by(std::span<const char> bytes);

 private:
  bool is_reached_by(char byte);

  std::uint32_t depth_ = 0;  // of the brackets around the next byte; no more than there are bytes
  bool in_string_ = false;
  bool escaped_ = false;  // the next byte, in a string
};

}  // namespace streaming
