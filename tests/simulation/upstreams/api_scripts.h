// SPDX-License-Identifier: Apache-2.0
// What LLM APIs answer, well and badly, as the seed decides.

#pragma once

#include <cstddef>
#include <string_view>

#include "simulation/upstreams/api_answer.h"
#include "simulation/random.h"

namespace streaming::simulation {

struct ScriptSettings {
  std::size_t max_event_bytes = 64 * 1024;  // of the daemon
  unsigned faults = 4;                      // one in so many answers is bad; 0: none
};

// `mark`: ASCII with which a text begins.
ApiAnswer make_answer(Api api, std::string_view mark, const ScriptSettings& settings, Random& random);

}  // namespace streaming::simulation
