// SPDX-License-Identifier: Apache-2.0
// Accepts flags with one dash, as Go programs have them: "-socket PATH", "-socket=PATH". Pure.

#pragma once

#include <functional>
#include <string>
#include <vector>

namespace streaming {

// The arguments after the program's name. An argument with one dash gets a second one if `is_flag` knows the name with
// two.
std::vector<std::string> with_two_dashes(int argc, const char* const* argv,
                                         const std::function<bool(const std::string& flag)>& is_flag);

}  // namespace streaming
