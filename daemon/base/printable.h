// SPDX-License-Identifier: Apache-2.0
// Makes text from peers safe to show: it cannot imitate another line or change how other text is displayed. Pure.

#pragma once

#include <string>
#include <string_view>

namespace streaming {

// Appends `text`. Control characters (C0, DEL, C1), line and paragraph separators and characters that change the
// direction of writing become \uXXXX, as in JSON. Each byte that is not UTF-8 becomes \ufffd.
void append_printable(std::string& out, std::string_view text);

// A peer's name, made printable for a message: its first 100 bytes, with "..." after them if there are more.
std::string printable_name(std::string_view name);

}  // namespace streaming
