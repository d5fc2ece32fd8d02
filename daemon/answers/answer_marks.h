// SPDX-License-Identifier: Apache-2.0
// Marks that a daemon adds to a kept answer for its successor, which takes the answer over by following it. They are
// comments, which have a place among events. Between the live mark, or the end mark, and the answer's beginning stands
// what was kept; behind the end mark stand the events of the end alone. Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backends/close_cause.h"

namespace streaming {

inline constexpr std::string_view kLiveMark = ": live\n\n";

struct EndMark {
  CloseCause cause = CloseCause::kCompleted;
  int status = 0;
  int retry_after_seconds = 0;
};

std::string end_mark(CloseCause cause, int status, int retry_after_seconds);

// Nothing if it is no end mark, or has a cause that this daemon does not know.
std::optional<EndMark> read_end_mark(std::string_view frame);

// Fields of the head of an answer for a successor.
inline constexpr std::string_view kFormatField = "X-Kept-Format";
inline constexpr std::string_view kUserField = "X-Kept-User";  // in base64; missing: anybody may have the answer
inline constexpr std::string_view kBackendField = "X-Kept-Backend";

}  // namespace streaming
