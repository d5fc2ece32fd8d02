// SPDX-License-Identifier: Apache-2.0
// Reservation: a place that a daemon keeps for a client whose connection Apache cannot let go of yet. reserve() finds
// the daemon and sends it the payload; hand_over() sends it the client, from the thread that owns the connection by
// then. Pure: knows nothing of httpd.
//
// Belongs to the thread that called reserve(), which owns the candidates too. Another thread may borrow it while that
// one waits. The daemon gives the place to others as soon as the reservation is destroyed.

#pragma once

#include <chrono>
#include <span>
#include <string_view>
#include <utility>

#include "mod_socket_handoff/daemon_socket.h"
#include "mod_socket_handoff/delivery.h"
#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/handoff_message.h"

namespace socket_handoff {

class Reservation {
 public:
  Reservation() = default;  // none
  // Borrows `candidate`, the daemon that keeps the place.
  Reservation(UniqueDescriptor daemon, Candidate& candidate, bool is_relay_only,
              std::chrono::milliseconds answer_timeout)
      : daemon_(std::move(daemon)),
        candidate_(&candidate),
        is_relay_only_(is_relay_only),
        answer_timeout_(answer_timeout) {}

  // Whether there is a place. None after hand_over() or hand_over_relayed().
  explicit operator bool() const { return static_cast<bool>(daemon_); }
  // Whether the place is only for a client whose answer Apache relays.
  bool is_relay_only() const { return is_relay_only_; }

  // Sends the client with its connection part, and waits for the daemon's answer. Borrows the client's descriptor: the
  // caller closes or replaces it. Blocks for at most the time for the answer. If the client is still Apache's
  // (kNotTaken), the candidate has the reason, as after deliver(): refused with a status, closed before the message was
  // read, or closed before it was sent. If the daemon may have begun to write (kWithoutAnswer), Apache must not.
  Delivery hand_over(int client, std::string_view connection_part);

  // Likewise for a client whose answer Apache relays: sends one end of a socket pair in place of the connection.
  Delivery hand_over_relayed(int daemons_end);

 private:
  Delivery send(int client, std::string_view connection_part);

  UniqueDescriptor daemon_;  // the connection over which the place was reserved
  Candidate* candidate_ = nullptr;
  bool is_relay_only_ = false;
  std::chrono::milliseconds answer_timeout_{0};
};

// Looks for a daemon that keeps a place for a client over HTTP/2, and sends it the payload, which has no connection
// part yet. `with_keys`: the connection part will have keys. The limits must have a time for the answer.
//
// If no daemon keeps a place, each candidate has the reason, as after deliver(). find_relaying() has the first one that
// could serve the client if Apache relayed its answer: among those that know no reservations, which are not asked for
// another one for a minute.
Reservation reserve(SocketMemory& sockets, const Payload& payload, bool with_keys, std::span<Candidate> candidates,
                    const DeliveryLimits& limits);

}  // namespace socket_handoff
