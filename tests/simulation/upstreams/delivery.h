// SPDX-License-Identifier: Apache-2.0
// Delivery: when which part of an answer is sent, and where it breaks off. Drawn for each answer; pure.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "simulation/upstreams/http_service.h"
#include "simulation/random.h"

namespace streaming::simulation {

class Delivery {
 public:
  enum class Fate : std::uint8_t {
    kWhole,
    kCut,    // an end before the end, behind what was sent
    kReset,  // what was sent may be lost
    kStall,  // nothing more comes, and nobody says so
  };

  // Of `bytes`, as they are on the wire.
  Delivery(std::size_t bytes, const ServerManners& manners, Random& random);

  Fate fate() const { return fate_; }
  // What is still to be sent.
  std::size_t left() const { return left_; }
  // The size of the next part, and the time before it.
  std::size_t next_part(Random& random);
  Duration next_pause(Random& random);

 private:
  Fate fate_ = Fate::kWhole;
  std::size_t left_;
  std::size_t most_at_once_;
  bool slow_;
  Duration longest_pause_;
};

}  // namespace streaming::simulation
