// SPDX-License-Identifier: Apache-2.0
// World: one simulated run. It makes of a seed the faults, the settings, the daemons and those who live beside them, lets
// time pass, and checks after each step and at the end that all is as it must be.
//
// One at a time, on one thread.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "simulation/world/coverage.h"
#include "simulation/world/disk.h"
#include "simulation/world/inhabitants.h"
#include "simulation/world/kernel.h"
#include "simulation/world/simulated_daemon.h"

namespace streaming::simulation {

struct RunOptions {
  std::uint64_t seed = 1;
  std::uint64_t steps = 0;  // at most so many; 0: no limit
  bool trace = false;
};

struct RunResult {
  std::uint64_t hash = 0;
  std::uint64_t steps = 0;
  std::uint64_t handoffs = 0;
  std::string failure;  // empty: there was none
};

class World {
 public:
  World(const RunOptions& options, Coverage& coverage);
  ~World();

  RunResult run();
  const Trace& trace() const { return trace_; }

 private:
  Config draw_config();
  DaemonSettings draw_settings();
  // `predecessor`: the one whose place it takes; null: there is none.
  void start_daemon(SimulatedDaemon* predecessor);
  // Until each answer is reported, however long its hook is gone.
  void wait_for_reports();
  bool has_to_report() const;
  // What happens to the daemons.
  void plan_events();
  void reload();
  void restart();
  void upgrade();
  void crash();
  void kill_last_daemon();
  void note_kill(bool of_the_machine);
  // Until `is_done`, or for `longest_ns`.
  template <typename IsDone>
  void do_steps_until(IsDone&& is_done, std::int64_t longest_ns, const char* stall);
  void do_step();
  // A daemon's process has ended.
  void bury(std::unique_ptr<SimulatedDaemon> daemon);
  void start_daemon_later();
  void note_states();
  void check_step();
  void check_end(std::size_t descriptors_before);
  bool fail(std::string what);

  const RunOptions options_;
  Random random_;
  Trace trace_;
  Scheduler scheduler_;
  const Faults faults_;
  Coverage& coverage_;
  Kernel kernel_;
  Disk disk_;
  Config config_;
  DaemonSettings settings_;
  std::vector<std::unique_ptr<Inhabitants>> inhabitants_;
  std::vector<std::unique_ptr<SimulatedDaemon>> daemons_;  // whose processes live; the last one listens
  std::uint32_t daemons_begun_ = 0;
  bool ending_ = false;  // no new daemon takes the place of one that ends
  bool has_crashed_ = false;  // a process, or one of its workers has failed
  bool start_due_ = false;  // start_daemon() is scheduled
  std::uint64_t handoffs_ = 0;
  std::uint64_t steps_ = 0;
  std::string failure_;
};

}  // namespace streaming::simulation
