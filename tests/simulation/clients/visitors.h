// SPDX-License-Identifier: Apache-2.0
// Visitors: clients of every kind with the Apaches that hand them over, and those who only look like an Apache.

#pragma once

#include <memory>

#include "simulation/world/inhabitants.h"
#include "simulation/upstreams/upstreams.h"

namespace streaming::simulation {

// Borrows the upstreams, which settle before.
std::unique_ptr<Inhabitants> make_visitors(Kernel& kernel, Random random, const Upstreams& upstreams);

}  // namespace streaming::simulation
