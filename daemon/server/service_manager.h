// SPDX-License-Identifier: Apache-2.0
// The service manager (systemd): the sockets that it passes, and the states that the daemon reports to it. Without one,
// nothing is passed and reports have no effect. Main thread only.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

// The names that passed descriptors have, in LISTEN_FDNAMES, when a daemon passes them to its successor.
inline constexpr char kOwnSocketName[] = "own-socket";  // the successor must remove its file
inline constexpr char kSocketName[] = "socket";
inline constexpr char kUpgradeName[] = "upgrade";  // the socket on which the successor reports that it serves

struct PassedDescriptors {
  UniqueFd listener;  // none: the daemon makes its own
  bool owns_file = false;
  UniqueFd upgrade;  // none: the daemon has no predecessor
};

// Takes the descriptors that LISTEN_FDS names, once, before the first thread. The Error names what is wrong with them.
Result<PassedDescriptors> take_passed_descriptors();

// Reports a state to the service manager (sd_notify(3)).
void notify_ready(const std::string& status);
void notify_reloading();
void notify_stopping(const std::string& status);
void notify_main_process(pid_t pid);
void notify_alive();

// The longest interval between two calls of notify_alive(); nothing if the manager has no watchdog for this daemon.
std::optional<Duration> watchdog_interval();

}  // namespace streaming
