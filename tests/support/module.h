// SPDX-License-Identifier: Apache-2.0
// Module: the module's side of reservations, for one daemon.

#pragma once

#include <array>
#include <string>
#include <string_view>

#include "mod_socket_handoff/reservation.h"
#include "support/daemon_process.h"
#include "support/patience.h"

namespace streaming {

class Module {
 public:
  explicit Module(const DaemonProcess& daemon) : path_(daemon.socket()) {}

  socket_handoff::Reservation reserve(std::string_view payload = R"({"prompt":"hi"})") {
    candidate_ = {.path = path_.c_str()};
    const socket_handoff::DeliveryLimits limits{.rules = {.allowed_prefixes = prefixes_},
                                                .schedule = socket_handoff::RetrySchedule(kPatience, 0),
                                                .send_timeout = kPatience,
                                                .answer_timeout = kPatience,
                                                .key_users = {}};
    return socket_handoff::reserve(sockets_, {.front = {}, .rest = payload}, false, {&candidate_, 1}, limits);
  }
  // Why there is no place.
  const socket_handoff::Candidate& candidate() const { return candidate_; }

 private:
  const std::string path_;
  const std::array<const char*, 1> prefixes_{"/"};
  socket_handoff::Candidate candidate_;
  socket_handoff::AcknowledgedSockets acknowledged_;
  socket_handoff::SocketMemory sockets_{.known = {}, .acknowledged = acknowledged_};
};

}  // namespace streaming
