// The connection to the daemon that will take the client over: made with retries inside one deadline, used for one
// hand-off, closed after it. Blocks the calling Apache thread for at most the time that the schedule allows.

#pragma once

#include "mod_socket_handoff/retry_schedule.h"
#include "mod_socket_handoff/socket_path.h"
#include "mod_socket_handoff/unique_descriptor.h"

namespace socket_handoff {

struct DaemonConnection {
  UniqueDescriptor socket;                   // non-blocking; none when the daemon was not reached
  PathProblem problem = PathProblem::kNone;  // the path is refused and nothing was connected to
  int error = 0;                             // errno of the last attempt otherwise
  int attempts = 0;
};

DaemonConnection connect_to_daemon(const char* path, const char* allowed_prefix, const RetrySchedule& schedule);

}  // namespace socket_handoff
