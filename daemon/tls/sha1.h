// SPDX-License-Identifier: Apache-2.0
// SHA-1, by OpenSSL: for names that others have chosen to make with it, never for security. Pure; any thread.

#pragma once

#include <string>
#include <string_view>

namespace streaming {

// In hexadecimal digits; empty if OpenSSL has no memory, or must not make it.
std::string sha1_hex(std::string_view text);

}  // namespace streaming
