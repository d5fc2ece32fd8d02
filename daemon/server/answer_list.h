// SPDX-License-Identifier: Apache-2.0
// What the command --answers prints: the kept answers of the daemon that runs, by its monitoring, and the reports of
// answers that were given up, from the journal's directory.

#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

// A line for each kept answer, and one with totals. The Error reports why the daemon cannot be asked.
Result<std::string> list_kept_answers(const Config& config);

// These lines, from what /streams has shown.
Result<std::string> kept_answer_lines(std::string_view json);

}  // namespace streaming
