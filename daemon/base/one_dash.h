// SPDX-License-Identifier: Apache-2.0
// Flags as programs in Go have them, with one dash: "-socket PATH", "-socket=PATH". Pure.

#pragma once

#include <functional>
#include <string>
#include <vector>

namespace streaming {

// The arguments behind the program's name. One of which `is_flag` knows the name with two dashes, but which has one,
// gets the other.
std::vector<std::string> with_two_dashes(int argc, const char* const* argv,
                                         const std::function<bool(const std::string& flag)>& is_flag);

}  // namespace streaming
