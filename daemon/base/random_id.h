// SPDX-License-Identifier: Apache-2.0
// A name for what nobody has named.

#pragma once

#include <string>

namespace streaming {

// 32 hexadecimal digits that nobody can guess, and that do not come again.
std::string random_id();

}  // namespace streaming
