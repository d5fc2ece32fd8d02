// SPDX-License-Identifier: Apache-2.0
// The head of an answer as HTTP/2 has it (RFC 9113, section 8.2; RFC 7541). Pure.

#pragma once

#include <cstddef>
#include <string_view>

#include "base/buffer.h"

namespace streaming {

// Appends to `block` the header block of the head of HTTP/1.1 that `answer` begins with, and returns how long that head
// is. The block needs no dynamic table, and adds nothing to the client's. Fields that concern a connection of HTTP/1.1
// are left out.
std::size_t append_header_block(std::string_view answer, Buffer& block);

}  // namespace streaming
