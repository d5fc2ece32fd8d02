// SPDX-License-Identifier: Apache-2.0
// The service manager's side of the daemon's life: sockets that it passes, and what it is told. Where there is none,
// nothing is passed and nobody listens. The main thread's.

#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

// The names that passed descriptors have, in LISTEN_FDNAMES, when a daemon passes them to its successor.
inline constexpr char kOwnSocketName[] = "own-socket";  // whose file is the successor's to remove
inline constexpr char kSocketName[] = "socket";
inline constexpr char kUpgradeName[] = "upgrade";  // the pipe on which the successor says that it serves

struct PassedDescriptors {
  UniqueFd listener;  // none: the daemon makes its own
  bool owns_file = false;
  UniqueFd upgrade;  // none: the daemon has no predecessor
};

// Takes what LISTEN_FDS says was passed, once, before the first thread. The Error says what is wrong with it.
Result<PassedDescriptors> take_passed_descriptors();

// Tells the service manager, as sd_notify(3) has it.
void notify_ready(const std::string& status);
void notify_reloading();
void notify_stopping(const std::string& status);
void notify_main_process(pid_t pid);
void notify_alive();

// How often notify_alive() is wanted at least; nothing when it is not.
std::optional<Duration> watchdog_interval();

}  // namespace streaming
