// SPDX-License-Identifier: Apache-2.0
#include "base/one_dash.h"

#include <algorithm>

namespace streaming {

std::vector<std::string> with_two_dashes(int argc, const char* const* argv,
                                         const std::function<bool(const std::string& flag)>& is_flag) {
  constexpr std::size_t kShortest = sizeof "--x";  // longer than a flag of one letter, which rightly has one dash
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  for (std::string& argument : arguments) {
    const std::string flag = "-" + argument.substr(0, argument.find('='));
    if (flag.size() >= kShortest && flag.starts_with("--") && is_flag(flag)) argument.insert(0, "-");
  }
  return arguments;
}

}  // namespace streaming
