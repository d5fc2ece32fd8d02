// SPDX-License-Identifier: Apache-2.0
// Makes identities, and the seeds of generators. Both come from the kernel's entropy (getentropy()). Any thread.

#pragma once

#include <cstdint>
#include <string>

namespace streaming {

// 32 hexadecimal digits that cannot be guessed and do not repeat.
std::string random_id();

// For a generator whose numbers nobody needs to guess.
std::uint32_t random_seed();

}  // namespace streaming
