// SPDX-License-Identifier: Apache-2.0
// A hexadecimal digit. Pure.

#pragma once

namespace socket_handoff {

// -1 if it is not one.
inline int hex_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  const char lower = static_cast<char>(character | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace socket_handoff
