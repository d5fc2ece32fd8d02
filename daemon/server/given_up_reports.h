// SPDX-License-Identifier: Apache-2.0
// GivenUpReports: reports on their way from the workers to the JournalKeeper, which writes them to files.
//
// One for all workers, which outlive it.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <stop_token>
#include <utility>
#include <vector>

#include "answers/report.h"

namespace streaming {

class GivenUpReports {
 public:
  struct GivenUp {
    std::size_t worker;  // that has it in its journal until it is in a file
    Report report;
  };

  void add(std::size_t worker, Report report) {
    {
      const std::lock_guard lock(mutex_);
      reports_.push_back({worker, std::move(report)});
    }
    added_.notify_one();
  }
  // Waits for one, but no longer than that, and only until `stop` is requested.
  std::vector<GivenUp> take(const std::stop_token& stop, Duration longest) {
    std::unique_lock lock(mutex_);
    added_.wait_for(lock, stop, longest, [this] { return !reports_.empty(); });
    return std::exchange(reports_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any added_;
  std::vector<GivenUp> reports_;
};

}  // namespace streaming
