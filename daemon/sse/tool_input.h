// SPDX-License-Identifier: Apache-2.0
// What a model gives to a tool, as a client can take it. Pure.

#pragma once

#include <string_view>

#include "base/buffer.h"

namespace streaming {

// Whether `text` is JSON, nested no deeper than kMaxJsonDepth, with no number beyond a double, that every client reads:
// JavaScript's libraries refuse an object with a member "__proto__", or a member "constructor" that has a "prototype",
// and the event with it.
bool is_tool_input(std::string_view text);

// Appends what is_tool_input() has approved, on one line.
void append_tool_input(Buffer& out, std::string_view json);

}  // namespace streaming
