// SPDX-License-Identifier: Apache-2.0
// What handoff-top shows, drawn into a Screen. Pure.

#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "top/model.h"
#include "top/screen.h"
#include "top/stream_list.h"

namespace top {

enum class Tab : unsigned char { kOverview, kStreams };

struct View {
  std::string daemon = {};  // HOST:PORT
  Tab tab = Tab::kOverview;
  bool paused = false;
  bool keys = true;        // show them
  double interval_s = 1;   // from one look to the next
  double now = 0;          // by the model's clock
  std::size_t scroll = 0;  // of the streams: how many are above the first that is shown
  std::optional<std::vector<StreamRow>> streams = std::nullopt;
  std::string streams_failure = {};  // why there is no list of streams; empty: it was not asked for yet
};

void draw(Screen& screen, const Model& model, const View& view);

// Streams that fit on the screen.
std::size_t visible_streams(Size size);

// --- Parts ----------------------------------------------------------------------------------------------------------

// At most so many cells, the newest value at the right; the highest of them fills its cell.
std::string sparkline(const std::deque<double>& values, std::size_t cells, bool utf8);
// A bar that is filled to that share.
std::string bar(double share, std::size_t cells, bool utf8);
// "1234567" as "1,234,567"; below 100 with one digit behind the point, unless it is whole.
std::string count_text(double count);
// "1.2 MB".
std::string bytes_text(double bytes);
// "350 us", "12.3 ms", "6.1 s", "2 m 05 s"; "-" for what is not a number.
std::string seconds_text(double seconds);

}  // namespace top
