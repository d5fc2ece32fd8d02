// SPDX-License-Identifier: Apache-2.0
// Reads Server-Sent Events as a client does, and more strictly: what the daemon writes has its own form, of which
// nothing may be missing. It shares no code with the daemon. Pure.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace streaming::simulation {

// What is between two blank lines.
struct EventFrame {
  std::string_view bytes;    // all of it, with the blank line
  std::string type = {};     // of "event: "
  std::string id = {};       // of "id: "
  std::string data = {};     // of "data: ", lines joined
  std::string comment = {};  // behind ":", of the last one
  bool has_data = false;     // without data it is no event
  bool has_id = false;
  int retry_ms = -1;
};

struct EventStream {
  std::vector<EventFrame> frames;
  std::string_view incomplete;  // behind the last blank line
  std::string problem;          // what no client should have to read; empty: nothing
};

// `body` outlives the result. `is_text`: it must be UTF-8.
EventStream read_event_stream(std::string_view body, bool is_text = true);

// Whether it is valid UTF-8, or, with `may_be_cut`, the beginning of such text.
bool is_unicode(std::string_view text, bool may_be_cut);

}  // namespace streaming::simulation
