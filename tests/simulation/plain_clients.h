// SPDX-License-Identifier: Apache-2.0
// PlainClients: browsers over HTTP/1.1 without TLS, each with an Apache that hands it over as it should.

#pragma once

#include <memory>

#include "simulation/inhabitants.h"

namespace streaming::simulation {

std::unique_ptr<Inhabitants> make_plain_clients(Kernel& kernel, Random random);

}  // namespace streaming::simulation
