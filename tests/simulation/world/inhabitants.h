// SPDX-License-Identifier: Apache-2.0
// Inhabitants: those who live in a simulated world beside the daemons: clients, or servers. Each kind is a factory that
// World makes of the seed.

#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "config/config.h"
#include "simulation/world/kernel.h"

namespace streaming::simulation {

class Inhabitants {
 public:
  virtual ~Inhabitants() = default;

  // Before the first daemon starts: they may set what concerns them, such as a backend's URL.
  virtual void settle(Config&) {}
  // The first daemon runs. They schedule what they do.
  virtual void begin() = 0;
  // How many of them wait for something from a daemon. The run does not end before there are none; if there are some and
  // nothing more is scheduled, they have been forgotten.
  virtual std::size_t waiting() const = 0;
  // Who, for the report of a run that does not end.
  virtual std::string who_waits() const { return {}; }
  // At the end of the run, or at any time: what a daemon has done wrong to them; empty if it was nothing.
  virtual std::string complaint() const = 0;
  // No client comes any more, and none waits. Reports of answers are still under way.
  virtual void on_clients_gone() {}
};

}  // namespace streaming::simulation
