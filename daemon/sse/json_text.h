// SPDX-License-Identifier: Apache-2.0
// Text as the inside of a JSON string (RFC 8259). Pure.

#pragma once

#include <string_view>

#include "base/buffer.h"

namespace streaming {

// Appends `text`, which must be UTF-8, so that it can stand between two quotation marks: quotation mark, backslash and
// control characters escaped, all else as it is.
void append_json_text(Buffer& out, std::string_view text);

}  // namespace streaming
