// SPDX-License-Identifier: Apache-2.0
// BrowserConnections: how many HTTP/2 connections of each browser have left Apache. A browser opens six connections to a
// site, and one that has left serves nothing but its answer. So only a few may leave, and the others are for pages.
//
// One for all workers, which outlives them; any thread.

#pragma once

#include <memory>
#include <string>

#include "answers/user_limits.h"
#include "base/clock.h"
#include "handoff/handoff_request.h"
#include "handoff/reservation.h"

namespace streaming {

class BrowserConnections {
 public:
  // Names the browser: by its address, its User-Agent and its user. Empty if no browser asks.
  static std::string browser_of(const HandoffRequest& request);

  // The place in `reservation`, for a client whose connection is counted, or if the browser has enough of them, only for
  // one whose answer Apache relays.
  std::unique_ptr<Reservation> count(const std::string& browser, std::unique_ptr<Reservation> reservation, Time now);

 private:
  class Lease;
  class CountedReservation;

  // Four answers go on alone. A fifth connection is for pages, with the answers that Apache relays; and a sixth for the
  // moment in which that one leaves.
  static constexpr int kMaxConnections = 4;

  UserLimits browsers_{kMaxConnections, 0};
};

}  // namespace streaming
