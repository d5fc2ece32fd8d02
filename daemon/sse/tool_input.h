// SPDX-License-Identifier: Apache-2.0
// The input of a tool call, checked and written for clients. Pure.

#pragma once

#include <string_view>

#include "base/buffer.h"

namespace streaming {

// Whether `text` is JSON that every client can read: its depth is at most kMaxJsonDepth, and each number fits a double.
// It has no member "__proto__", and no "constructor" with a member "prototype": JavaScript's libraries reject an event
// with such an object.
bool is_tool_input(std::string_view text);

// Appends what is_tool_input() has approved, on one line.
void append_tool_input(Buffer& out, std::string_view json);

}  // namespace streaming
