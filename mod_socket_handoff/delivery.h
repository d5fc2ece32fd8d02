// Delivers one client to the first daemon that takes it: connects, sends, and waits for the answer where that is asked
// for. Knows nothing of httpd. Blocks the calling Apache thread for as long as its limits allow.

#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "mod_socket_handoff/candidate.h"
#include "mod_socket_handoff/payload.h"
#include "mod_socket_handoff/retry_schedule.h"
#include "mod_socket_handoff/socket_memory.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

struct DeliveryLimits {
  SocketRules rules;
  RetrySchedule schedule;
  std::chrono::milliseconds send_timeout;
  std::optional<std::chrono::milliseconds> answer_timeout;  // none: nobody waits for an answer
};

struct Delivery {
  enum class End {
    kNotTaken,       // the client is still Apache's; each candidate says why
    kTaken,          // accepted, or sent where nobody waits for an answer
    kTakenSilently,  // likewise, by a daemon that has closed without an answer and never gives one
    kTakenInPart,    // the daemon has the client and not all of the data
    kWithoutAnswer,  // sent, but the answer did not come in time: the daemon may have begun to write
  };

  End end = End::kNotTaken;
  const Candidate* taker = nullptr;  // none where it was not taken
};

Delivery deliver(SocketMemory& sockets, int client, const Payload& payload, std::span<Candidate> candidates,
                 const DeliveryLimits& limits);

// The candidate whose failure decides what the client is told, once none has taken it: a daemon's own word goes before
// that of one that did not answer, and that before a path that is not allowed.
const Candidate& decisive(std::span<const Candidate> candidates);

}  // namespace socket_handoff
