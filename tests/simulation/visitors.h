// SPDX-License-Identifier: Apache-2.0
// Visitors: clients of every kind with the Apaches that hand them over, and those who only look like an Apache.

#pragma once

#include <memory>

#include "simulation/inhabitants.h"

namespace streaming::simulation {

std::unique_ptr<Inhabitants> make_visitors(Kernel& kernel, Random random);

}  // namespace streaming::simulation
