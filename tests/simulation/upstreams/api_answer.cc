// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/api_answer.h"

#include <algorithm>

namespace streaming::simulation {
namespace {

constexpr const char* kHalfACharacter = "\xEF\xBF\xBD";

std::optional<FailureKind> failure_by(Meaning meaning) {
  switch (meaning) {
    case Meaning::kReported:
      return FailureKind::kReported;
    case Meaning::kMalformed:
      return FailureKind::kMalformed;
    case Meaning::kTooLarge:
      return FailureKind::kTooLarge;
    case Meaning::kGoesOn:
    case Meaning::kEnd:
      break;
  }
  return std::nullopt;
}

}  // namespace

Ending ApiAnswer::ending_after(std::size_t bytes, BodyEnd end) const {
  if (by_head) return {.over = true, .failure = by_head, .status = status};
  const ApiEvent none;
  const ApiEvent* last = &none;
  for (const ApiEvent& event : events) {
    // At the body's end an event counts if only its blank line is missing.
    const bool is_json = event.meaning != Meaning::kMalformed && event.meaning != Meaning::kTooLarge;
    const bool is_read = bytes >= event.end || (bytes >= event.whole && end == BodyEnd::kWhole && is_json);
    if (!is_read) break;
    last = &event;
    if (event.meaning != Meaning::kGoesOn) break;
  }
  Ending ending{.over = true, .failure = failure_by(last->meaning), .text = last->text, .reasoning = last->reasoning};
  if (ending.failure) return ending;
  const bool is_complete = last->meaning == Meaning::kEnd || (end == BodyEnd::kWhole && last->may_end_with_body) ||
                           (end == BodyEnd::kBroken && last->may_end);
  if (is_complete) {
    ending.cuts_text = last->cuts_text;
    ending.cuts_reasoning = last->cuts_reasoning;
    ending.reason = last->reason;
    ending.usage = last->usage;
    ending.has_calls = !is_cut && last == &events.back();
  } else if (end == BodyEnd::kNone) {
    ending.over = false;
  } else {
    const bool is_unreachable = end == BodyEnd::kBroken && last == &none;
    ending.failure = is_unreachable ? FailureKind::kUnreachable : FailureKind::kTruncated;
  }
  return ending;
}

std::string ApiAnswer::text_of(const Ending& ending) const {
  return text.substr(0, ending.text) + (ending.cuts_text ? kHalfACharacter : "");
}

std::string ApiAnswer::reasoning_of(const Ending& ending) const {
  return reasoning.substr(0, ending.reasoning) + (ending.cuts_reasoning ? kHalfACharacter : "");
}

bool ApiAnswer::says_something_after(std::size_t bytes, bool raw) const {
  if (by_head) return false;
  return std::any_of(events.begin(), events.end(), [&](const ApiEvent& event) {
    return bytes >= event.end && event.meaning != Meaning::kTooLarge && (raw ? !event.data.empty() : event.says_something);
  });
}

}  // namespace streaming::simulation
