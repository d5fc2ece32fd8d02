// SPDX-License-Identifier: Apache-2.0
// KnownThreads: the threads that are known to exist, so that they need not be created before each run.
//
// One per backend, on its worker's thread; a fixed size. It keeps only hashes, and each can be at one
// place only. A thread that it has forgotten is created again, which changes nothing. A thread that it knows although
// the server has deleted it is answered with 404.

#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <vector>

#include "backends/limits.h"

namespace streaming {

class KnownThreads {
 public:
  // `thread` is named together with its server.
  bool contains(std::string_view thread) const { return !places_.empty() && places_[place_of(thread)] == hash(thread); }
  void add(std::string_view thread) {
    if (places_.empty()) places_.resize(kKnownThreads);
    places_[place_of(thread)] = hash(thread);
  }
  void forget(std::string_view thread) {
    if (contains(thread)) places_[place_of(thread)] = 0;
  }

 private:
  static std::size_t hash(std::string_view thread) { return std::hash<std::string_view>()(thread); }
  static std::size_t place_of(std::string_view thread) { return hash(thread) % kKnownThreads; }

  std::vector<std::size_t> places_;  // empty until the first is known
};

}  // namespace streaming
