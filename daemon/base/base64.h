// Base64 (RFC 4648), as data: URLs want it. Pure.

#pragma once

#include <string>
#include <string_view>

namespace streaming {

void append_base64(std::string& out, std::string_view bytes);

}  // namespace streaming
