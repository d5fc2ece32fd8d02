// SPDX-License-Identifier: Apache-2.0
// The figures for programs. Pure.

#pragma once

#include <string>

#include "top/model.h"

namespace top {

// One line, with its end.
std::string to_json(const Figures& figures);

}  // namespace top
