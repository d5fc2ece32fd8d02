// What handoff-top shows: two moments of a daemon, as a table. Pure.

#pragma once

#include <string>

#include "top/exposition.h"

namespace top {

// `seconds` lie between the two moments.
std::string view(const Exposition& before, const Exposition& after, double seconds);

}  // namespace top
