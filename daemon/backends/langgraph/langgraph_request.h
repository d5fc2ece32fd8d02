// SPDX-License-Identifier: Apache-2.0
// The bodies of requests to LangGraph, and the ids in their paths. Pure.

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "handoff/handoff_request.h"

namespace streaming {

// What the hand-off leaves out.
struct LangGraphDefaults {
  std::string assistant_id;
  std::vector<std::string> stream_mode;
  bool content_blocks = false;  // messages that are written here have a list of blocks for content
};

// Whether it may be part of a path: letters, digits, - _ . and : alone, and not dots alone.
bool is_thread_id(std::string_view id);

// The body of a run.
std::string run_request(const HandoffRequest& request, const LangGraphDefaults& defaults);

// The body that creates a thread if there is none of that id.
std::string thread_request(std::string_view thread_id);

}  // namespace streaming
