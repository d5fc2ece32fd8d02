// SPDX-License-Identifier: Apache-2.0
// Coverage: what simulated runs have reached, by name: operations with their results, faults, causes of closing, states.
//
// One per process that simulates, for all its runs; main adds up what several of them have counted.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace streaming::simulation {

class Coverage {
 public:
  void count(std::string_view kind, std::string_view what, std::uint64_t times = 1) {
    auto whats = counts_.find(kind);
    if (whats == counts_.end()) whats = counts_.emplace(kind, Whats()).first;
    const auto found = whats->second.find(what);
    if (found == whats->second.end()) {
      whats->second.emplace(what, times);
    } else {
      found->second += times;
    }
  }

  using Whats = std::map<std::string, std::uint64_t, std::less<>>;
  using Counts = std::map<std::string, Whats, std::less<>>;
  const Counts& counts() const { return counts_; }

 private:
  Counts counts_;
};

}  // namespace streaming::simulation
