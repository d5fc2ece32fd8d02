// Whether text is UTF-8. Pure.

#pragma once

#include <string_view>

namespace streaming {

// Without overlong forms, surrogates, and what is beyond Unicode.
bool is_utf8(std::string_view text);

}  // namespace streaming
