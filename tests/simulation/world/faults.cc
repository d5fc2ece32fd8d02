// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/faults.h"

namespace streaming::simulation {
namespace {

// Off in half of the runs, otherwise at least one in `often`.
Rate draw_rate(Random& random, std::uint32_t often) {
  if (random.one_in(2)) return {};
  return {static_cast<std::uint32_t>(often << random.below(7))};
}

}  // namespace

Faults Faults::draw(Random random) {
  if (random.one_in(8)) return none();
  Faults faults;
  faults.late_completion = draw_rate(random, 2);
  faults.late_execution = draw_rate(random, 2);
  faults.held_completions = draw_rate(random, 2);
  faults.no_memory = draw_rate(random, 20);
  faults.no_buffers = draw_rate(random, 5);
  faults.interrupted = draw_rate(random, 20);
  faults.lost_completions = random.one_in(16) ? Rate{static_cast<std::uint32_t>(random.between(500, 20'000))} : Rate{};
  // A client that Apache does not wait for any more is then closed without an answer.
  faults.failed_adoption = random.one_in(8) ? Rate{static_cast<std::uint32_t>(random.between(5, 100))} : Rate{};
  faults.failed_pass = draw_rate(random, 5);
  faults.failed_accept = draw_rate(random, 5);
  faults.unknown_count = draw_rate(random, 4);
  faults.short_send = draw_rate(random, 2);
  faults.full_socket = draw_rate(random, 4);
  faults.split_arrival = draw_rate(random, 2);
  faults.slow_link = draw_rate(random, 2);
  faults.small_buffers = draw_rate(random, 2);
  faults.dead_link = draw_rate(random, 20);
  faults.refused_connect = draw_rate(random, 5);
  faults.early_end = draw_rate(random, 2);
  faults.stall = draw_rate(random, 200);
  faults.disk_error = draw_rate(random, 20);
  faults.short_write = draw_rate(random, 2);
  faults.hanging_disk = draw_rate(random, 40);
  return faults;
}

}  // namespace streaming::simulation
