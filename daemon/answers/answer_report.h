// SPDX-License-Identifier: Apache-2.0
// The report of an answer, a JSON object: what is known at the answer's beginning is written then, the rest at its end.
// Pure.

#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "answers/answer_record.h"
#include "backends/close_cause.h"
#include "base/clock.h"
#include "handoff/handoff_request.h"
#include "sse/answer_event.h"

namespace streaming {

// Milliseconds since 1970, by the clock that can be set.
using WallTime = std::chrono::sys_time<Duration>;
WallTime wall_now();

// The beginning of the object.
std::string begin_report(const HandoffRequest& request, std::string_view backend, std::string_view model,
                         WallTime started);

struct AnswerEnd {
  std::string_view cause;  // a CloseCause's word
  std::optional<FinishReason> reason = {};
  std::optional<WallTime> ended = {};
  std::optional<Duration> first_event = {};  // after the start
  std::optional<Duration> duration = {};
};

// The whole object from its beginning.
std::string whole_report(std::string beginning, const AnswerRecord& record, const AnswerEnd& end);

// The cause of an answer whose process has ended before it.
inline constexpr std::string_view kCutCause = "cut";

// The object with one more member in front: whether the client has got the end. Unchanged if that is not known.
inline constexpr std::string_view kClientHasEnd = "{\"client_has_end\":";
std::string with_client_has_end(std::string report, std::optional<bool> client_has_end);

}  // namespace streaming
