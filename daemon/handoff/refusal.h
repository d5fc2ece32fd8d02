// SPDX-License-Identifier: Apache-2.0
// Refusal: why a hand-off does not become a stream, as the client is to hear it, from Apache or from the daemon.

#pragma once

#include <optional>
#include <string>

#include "metrics/counters.h"

namespace streaming {

struct Refusal {
  int status = 503;             // of HTTP
  std::string message;          // for the client: names the mistake, no internals
  int retry_after_seconds = 0;  // 0: not said
  std::string detail = {};      // for the log alone: what an operator can do
  std::optional<Counter> counter = {};  // what counts it; nothing: its status says that
};

// What the module is told.
std::string acknowledgement_of(const Refusal& refusal);

// What counts it.
Counter counter_of(const Refusal& refusal);

}  // namespace streaming
