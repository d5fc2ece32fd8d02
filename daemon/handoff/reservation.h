// SPDX-License-Identifier: Apache-2.0
// Reservation: a place for a client who comes later. All that can be decided without the client is decided.
//
// Owned by the hand-off's connection, on the worker's thread. Whoever destroys it before a client has taken the place
// gives the place back. What gave it away outlives it.

#pragma once

#include "handoff/admission.h"
#include "handoff/client.h"

namespace streaming {

class Reservation {
 public:
  Reservation() = default;
  Reservation(const Reservation&) = delete;
  Reservation& operator=(const Reservation&) = delete;
  virtual ~Reservation() = default;

  // Whether the place is only for a client whose answer Apache relays.
  virtual bool is_relay_only() const = 0;

  // Gives the place to the client, with the connection's assignment of the WorkerLoad. If it refuses, the caller keeps
  // both. The last call.
  virtual Admission take(Client& client) = 0;
};

}  // namespace streaming
