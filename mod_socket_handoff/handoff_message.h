// The one message of a hand-off: the payload as data and the client's socket as SCM_RIGHTS, sent to a connected daemon.
// Pure: knows nothing of httpd. Both functions borrow all descriptors, and block the calling Apache thread for at most
// the time allowed.

#pragma once

#include <chrono>

#include "mod_socket_handoff/payload.h"

namespace socket_handoff {

struct SendResult {
  // True from the moment the daemon can have the client's socket. From then on Apache must not write to the client,
  // even if the rest of a payload to a SOCK_STREAM daemon fails.
  bool client_is_gone = false;
  int error = 0;  // errno; ETIMEDOUT if the daemon did not take the message in time
};

// An empty payload is sent as kNoPayload.
SendResult send_handoff(int daemon, int client, const Payload& payload, std::chrono::milliseconds time_allowed);

// The payload is in the file, a sealed memfd; the message is kNoPayload with both descriptors.
SendResult send_handoff_with_file(int daemon, int client, int file, std::chrono::milliseconds time_allowed);

}  // namespace socket_handoff
