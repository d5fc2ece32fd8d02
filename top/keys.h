// SPDX-License-Identifier: Apache-2.0
// What the keys do. Pure.

#pragma once

#include <string_view>

#include "top/view.h"

namespace top {

// Changes the view as the keys that were typed say; false when one of them ends the program.
bool apply_keys(std::string_view typed, Size size, View& view);

}  // namespace top
