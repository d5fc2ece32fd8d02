// SPDX-License-Identifier: Apache-2.0
#include "server/service_manager.h"

#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <utility>

namespace streaming {
namespace {

// Also for a socket passed under another name: it comes from a socket unit, which may choose the name.
Status check_listener(int fd) {
  constexpr int kAnyType = 0;
  if (sd_is_socket_unix(fd, kAnyType, 1, nullptr, 0) > 0) return success();
  return Error{
      "the socket that was passed to the daemon is not a listening Unix socket; the socket unit must have "
      "ListenSequentialPacket= or ListenStream= with a path"};
}

}  // namespace

Result<PassedDescriptors> take_passed_descriptors() {
  PassedDescriptors passed;
  char** names = nullptr;
  constexpr int kUnsetEnvironment = 1;
  const int count = sd_listen_fds_with_names(kUnsetEnvironment, &names);
  if (count < 0) return Error::from_errno("cannot take the sockets that were passed (LISTEN_FDS)", -count);
  Status taken = success();
  for (int index = 0; index < count; ++index) {
    UniqueFd fd(SD_LISTEN_FDS_START + index);
    const std::string_view name = names[index];
    if (name == kUpgradeName) {
      passed.upgrade = std::move(fd);
    } else if (passed.listener) {
      taken = Error{"more than one socket was passed to the daemon; it listens on one"};
    } else {
      if (Status checked = check_listener(fd.get()); !checked) taken = checked;
      passed.owns_file = name == kOwnSocketName;
      passed.listener = std::move(fd);
    }
  }
  for (int index = 0; index < count; ++index) std::free(names[index]);
  std::free(names);
  if (!taken) return taken.error();
  return passed;
}

void notify_ready(const std::string& status) {
  sd_notify(0, ("READY=1\nSTATUS=" + status).c_str());
}

void notify_reloading() {
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(MonotonicClock::now_ns() / 1000)).c_str());
}

void notify_stopping(const std::string& status) {
  sd_notify(0, ("STOPPING=1\nSTATUS=" + status).c_str());
}

void notify_main_process(pid_t pid) {
  sd_notify(0, ("MAINPID=" + std::to_string(pid)).c_str());
}

void notify_alive() {
  sd_notify(0, "WATCHDOG=1");
}

std::optional<Duration> watchdog_interval() {
  std::uint64_t interval_us = 0;
  if (sd_watchdog_enabled(0, &interval_us) <= 0) return std::nullopt;
  return Duration(static_cast<std::int64_t>(interval_us / 1000));
}

}  // namespace streaming
