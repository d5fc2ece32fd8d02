// SPDX-License-Identifier: Apache-2.0
// Report: a report in memory, until its hook has taken it or it waits in the journal alone. A value.

#pragma once

#include <cstdint>
#include <string>

#include "answers/journals.h"

namespace streaming {

struct Report {
  ReportId id{};  // the same each time that it is sent
  std::string hook;  // its name
  std::string body;
  std::uint8_t failures = 0;
  // Where the journals have it, pinned; null if they do not.
  Segment* in_answers = nullptr;
  Segment* in_waiting = nullptr;

  // The memory that it takes.
  std::size_t bytes() const { return sizeof *this + hook.size() + body.size(); }
};

}  // namespace streaming
