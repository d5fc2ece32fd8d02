// SPDX-License-Identifier: Apache-2.0
// The backend `exec`: a program that gets the client's socket whole, and the payload with it. Which program, and what
// it is told; stream/program_table.h runs it. Pure, but for the payload's file.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "handoff/handoff_request.h"

namespace streaming {

inline constexpr std::string_view kExecBackend = "exec";

// The command of the hand-off's profile, or the one named "default"; null where the configuration has none.
const std::vector<std::string>* find_command(const Config& config, std::string_view profile);
// "default, report"
std::string command_names(const Config& config);

// What a program is told of its hand-off.
struct ProgramPayload {
  std::string variable;  // of its environment: the payload, or where it is
  UniqueFd file;         // the payload, where it is too large for a variable; else none
};

Result<ProgramPayload> program_payload(const HandoffRequest& request);

}  // namespace streaming
