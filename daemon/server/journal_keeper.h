// SPDX-License-Identifier: Apache-2.0
// JournalKeeper: what is done with files of the journal besides the workers' own: it delivers what other processes have
// left, of a process that has crashed and of a predecessor when it has ended, and stores reports that were given up.
//
// Owned by the Server. It has a thread, because there may be much to read, and disks may be slow or hang.

#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <stop_token>
#include <thread>

#include "answers/journal_directory.h"
#include "server/given_up_reports.h"
#include "server/worker.h"

namespace streaming {

class JournalKeeper {
 public:
  // Borrows all but `adopts`: whether it looks for what other processes have left. Nothing of that can be delivered
  // without a hook. The thread alone calls the directory's adopt_next().
  JournalKeeper(JournalDirectory& directory, GivenUpReports& given_up, std::span<const std::unique_ptr<Worker>> workers,
                bool adopts);
  // Waits for the file that is being read or written.
  ~JournalKeeper() = default;

  // Any thread.
  void begin_adopting() { adopts_.store(true, std::memory_order_relaxed); }
  // For good. No further file of other processes is read. Does not wait.
  void end_adopting() { adoption_.request_stop(); }

 private:
  void run(const std::stop_token& stop);
  void store(GivenUpReports::GivenUp given_up);
  void adopt();

  JournalDirectory& directory_;
  GivenUpReports& given_up_;
  const std::span<const std::unique_ptr<Worker>> workers_;
  std::size_t next_ = 0;  // the worker that gets the next of them
  std::atomic<bool> adopts_;
  std::stop_source adoption_;
  std::jthread thread_;
};

}  // namespace streaming
