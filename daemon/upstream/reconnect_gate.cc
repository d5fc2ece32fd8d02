// SPDX-License-Identifier: Apache-2.0
#include "upstream/reconnect_gate.h"

#include <utility>

#include "base/growing_pause.h"
#include "base/log.h"
#include "upstream/limits.h"

namespace streaming {

ReconnectGate::ReconnectGate(std::string server, Duration longest_pause)
    : server_(std::move(server)), longest_pause_(longest_pause) {
}

void ReconnectGate::on_failure(ConnectionEnd cause, std::string_view error, Time now) {
  const Duration pause = growing_pause(kFirstReopenPause, longest_pause_, failures_, random_);
  ++failures_;
  opens_at_ = now + pause;
  error_ = error;
  if (std::exchange(logged_cause_, cause) == cause) return;
  log::warn("{}: {}; connecting again in {} ms, and then less and less often", server_, error, pause.count());
}

void ReconnectGate::on_answer() {
  if (failures_ == 0) return;
  log::info("{} answers again, after {} connections of no use", server_, failures_);
  failures_ = 0;
  logged_cause_ = ConnectionEnd::kOnPurpose;
  opens_at_ = Time{};
}

}  // namespace streaming
