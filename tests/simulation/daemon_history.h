// SPDX-License-Identifier: Apache-2.0
// DaemonHistory: what has befallen the daemons of a simulated world, as far as a reckoning has to know it: when they have
// ended, when the disk has failed them, and what the disk still had when they were killed.
//
// The Kernel's, on the world's thread.

#pragma once

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "base/clock.h"

namespace streaming::simulation {

// A report that the disk has for certain when a daemon is killed. A later one has to deliver it.
struct PromisedReport {
  std::string id;          // webhook-id
  std::string body;        // of an answer that ran: of what its journal has
  bool was_running = false;
  Time since{};            // when the daemon was killed
};

class DaemonHistory {
 public:
  // A daemon has ended in order.
  void note_end(Time now) { last_end_ = now; }
  // One was killed, or a worker of it has failed. With the machine, what was not synced is lost, of those too that were
  // killed before.
  void note_kill(Time now, bool with_the_machine, std::vector<PromisedReport> promised) {
    last_end_ = last_kill_ = now;
    if (with_the_machine) promised_.clear();
    for (PromisedReport& report : promised) report.since = now;
    std::move(promised.begin(), promised.end(), std::back_inserter(promised_));
  }
  // The disk has failed, or does not answer.
  void note_disk_failure(Time now) { last_disk_failure_ = now; }

  void set_has_journal(bool has_journal) { has_journal_ = has_journal; }
  bool has_journal() const { return has_journal_; }

  bool has_ended_since(Time time) const { return last_end_ >= time; }
  bool was_killed_since(Time time) const { return last_kill_ >= time; }
  // What is begun after `time` may not be on the disk: a journal that has failed takes nothing for a while.
  bool disk_has_failed_since(Time time) const { return last_disk_failure_ + kDiskTrouble >= time; }
  const std::vector<PromisedReport>& promised() const { return promised_; }

 private:
  // Longer than the disk hangs, and the journal then waits.
  static constexpr Duration kDiskTrouble{10'000};

  bool has_journal_ = false;
  Time last_end_{Duration(-1)};
  Time last_kill_{Duration(-1)};
  Time last_disk_failure_{-kDiskTrouble - Duration(1)};
  std::vector<PromisedReport> promised_;
};

}  // namespace streaming::simulation
