// SPDX-License-Identifier: Apache-2.0
// A client over HTTP/2 whose frames mod_http2 writes: what the module learns of the connection while it lives, and how
// Apache lets go of it when one request's stream is the only open one.
//
// Two connection filters between mod_http2 and mod_ssl see every frame. They are there only if a section of the
// configuration has SocketHandoffHTTP2 On, and they are removed from a connection that mod_http2 does not serve.
//
// mod_http2 runs a request in a thread of its own, on a secondary connection. The primary connection, its filters and
// its socket belong to another thread. So the request's thread sends an interim response (102), which mod_http2 writes
// as a HEADERS frame, and waits. The primary's thread meets that frame in the output filter, the last of a chain in
// which everything that came before is written. There it decides: either the connection goes to the daemon, and the
// frame is dropped with all that mod_http2 writes later; or the frame is passed on, which means nothing to a client, and
// the response's head is still free.

#pragma once

#include "mod_socket_handoff/httpd_module.h"

#include "mod_socket_handoff/delivery.h"
#include "mod_socket_handoff/reservation.h"
#include "mod_socket_handoff/verdict.h"

namespace socket_handoff {

class Http2Client;

// For the function that registers hooks.
void register_http2_hooks();

// While the configuration is read: a section has SocketHandoffHTTP2 On.
void expect_http2_clients();

// All functions below are called on the thread of a request whose connection is a secondary one of mod_http2.

// Whether the request's connection could leave Apache if no other stream were open. Waits for nothing.
Verdict may_leave_over_http2(const request_rec* r, const Settings& settings);

// Whether the request's stream is the only open one. Waits for that within the time allowed, and no longer than another
// stream is open that may end soon: one that neither waits itself nor is relayed.
Verdict wait_for_other_streams(request_rec* r, std::chrono::milliseconds time_allowed);

// While it lives, the answer to this request is relayed: others of its connection do not wait for its end. Of a request
// that did not come over HTTP/2 it does nothing.
class RelayedStream {
 public:
  explicit RelayedStream(const request_rec* r);
  RelayedStream(const RelayedStream&) = delete;
  RelayedStream& operator=(const RelayedStream&) = delete;
  ~RelayedStream();

 private:
  Http2Client* const client_;  // null: nothing is known of the connection
};

// What became of a connection that was to leave.
struct Departure {
  enum class End {
    kStays,          // `reason` is why, which may change soon. The daemon was not asked
    kNotTaken,       // the daemon was asked and has not taken it: the reservation's candidate has the reason
    kGone,           // as `delivery` describes
    kClientHasLeft,
  };

  End end = End::kStays;
  const char* reason = nullptr;  // half a sentence that follows "because"
  Delivery delivery = {};
};

// Hands the connection over to the daemon that has reserved a place. Blocks until the primary connection's thread has
// decided: for at most two seconds, and the time that the daemon takes to answer.
Departure depart(request_rec* r, Reservation& reservation);

}  // namespace socket_handoff
