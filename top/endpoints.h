// SPDX-License-Identifier: Apache-2.0
// Where a daemon is asked. Pure.

#pragma once

#include <string>
#include <string_view>

namespace top {

struct Endpoints {
  std::string name;  // HOST:PORT, for the screen
  std::string metrics;
  std::string streams;
};

// Of "HOST:PORT", "PORT", or a URL with or without a path; where it has one, that is the metrics'.
Endpoints endpoints_of(std::string_view url);

}  // namespace top
