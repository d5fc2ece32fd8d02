// SPDX-License-Identifier: Apache-2.0
// Text that changes nothing but itself where it is shown: no line of it can be taken for another one. Pure.

#pragma once

#include <string>
#include <string_view>

namespace streaming {

// Appends `text` with \uXXXX, as in JSON, in place of control characters (C0, DEL, C1), line and paragraph separators
// and what changes the direction of writing; and of each byte that is not UTF-8, \ufffd.
void append_printable(std::string& out, std::string_view text);

// A peer's name for a message, printable as above: its first 100 bytes, with "..." behind them if there are more.
std::string printable_name(std::string_view name);

}  // namespace streaming
