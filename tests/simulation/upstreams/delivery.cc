// SPDX-License-Identifier: Apache-2.0
#include "simulation/upstreams/delivery.h"

#include <algorithm>

namespace streaming::simulation {
namespace {

bool happens(unsigned one_in, Random& random) {
  return one_in != 0 && random.one_in(one_in);
}

}  // namespace

Delivery::Delivery(std::size_t bytes, const ServerManners& manners, Random& random)
    : left_(bytes),
      most_at_once_(random.pick({std::size_t{1}, std::size_t{10}, std::size_t{200}, std::size_t{5000}})),
      slow_(happens(manners.slow, random)),
      longest_pause_(manners.longest_pause) {
  // Few answers come byte by byte, because each part takes time of the simulation.
  constexpr std::size_t kMostParts = 200;
  most_at_once_ = std::max(most_at_once_, bytes / kMostParts);
  if (happens(manners.stalls, random)) {
    fate_ = Fate::kStall;
  } else if (happens(manners.cuts, random)) {
    fate_ = random.pick({Fate::kCut, Fate::kReset});
  }
  if (fate_ != Fate::kWhole && !random.one_in(8)) left_ = random.below(left_ + 1);
}

std::size_t Delivery::next_part(Random& random) {
  const std::size_t part = std::min(left_, static_cast<std::size_t>(random.between(1, most_at_once_)));
  left_ -= part;
  return part;
}

Duration Delivery::next_pause(Random& random) {
  if (slow_ && random.one_in(8)) return Duration(random.between(0, static_cast<std::uint64_t>(longest_pause_.count())));
  return Duration(random.one_in(2) ? 0 : random.below(20));
}

}  // namespace streaming::simulation
