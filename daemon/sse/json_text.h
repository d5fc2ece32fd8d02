// SPDX-License-Identifier: Apache-2.0
// Escapes text for a JSON string (RFC 8259). Pure.

#pragma once

#include <string_view>

#include "base/buffer.h"

namespace streaming {

// Appends `text`, which must be UTF-8, for a place between two quotation marks: quotation marks, backslashes and
// control characters are escaped, all else is unchanged.
void append_json_text(Buffer& out, std::string_view text);

}  // namespace streaming
