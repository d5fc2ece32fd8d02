// SPDX-License-Identifier: Apache-2.0
// GivenUpReports: reports on their way from the workers to the main thread, which writes them to files.
//
// One for all workers, which outlive it.

#pragma once

#include <cstddef>
#include <mutex>
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
    const std::lock_guard lock(mutex_);
    reports_.push_back({worker, std::move(report)});
  }
  std::vector<GivenUp> take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(reports_, {});
  }

 private:
  std::mutex mutex_;
  std::vector<GivenUp> reports_;
};

}  // namespace streaming
