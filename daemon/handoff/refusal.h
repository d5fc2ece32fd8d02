// SPDX-License-Identifier: Apache-2.0
// Refusal: why a hand-off does not become a stream. Apache or the daemon reports it to the client. A value.

#pragma once

#include <optional>
#include <string>

#include "metrics/counters.h"

namespace streaming {

struct Refusal {
  int status = 503;             // of HTTP
  std::string message;          // for the client: names the mistake, no internals
  int retry_after_seconds = 0;  // 0: no Retry-After
  std::string detail = {};      // for the log only: what an operator can do
  std::optional<Counter> counter = {};  // counts it; none: the status decides
};

// The reply to the module.
std::string acknowledgement_of(const Refusal& refusal);

// Counts it, and logs it unless it is one of a stranger.
void note(const Refusal& refusal, Counters& counters);

}  // namespace streaming
