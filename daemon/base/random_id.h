// SPDX-License-Identifier: Apache-2.0
// Makes identities. Any thread.

#pragma once

#include <string>

namespace streaming {

// 32 hexadecimal digits that cannot be guessed and do not repeat.
std::string random_id();

}  // namespace streaming
