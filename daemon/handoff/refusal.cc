// SPDX-License-Identifier: Apache-2.0
#include "handoff/refusal.h"

#include "base/log.h"
#include "protocol/connection_part.h"
#include "protocol/handoff_protocol.h"

namespace streaming {
namespace {

Counter counter_of(const Refusal& refusal) {
  if (refusal.counter) return *refusal.counter;
  switch (refusal.status) {
    case 403:
      return Counter::kRefusedStranger;
    case 413:
      return Counter::kRefusedTooLarge;
    case 429:
      return Counter::kRefusedUser;
    case 503:
      return Counter::kRefusedFull;
    default:
      return Counter::kRefusedInvalid;
  }
}

}  // namespace

std::string acknowledgement_of(const Refusal& refusal) {
  std::string message(1, handoff_protocol::kRefused);
  message += "{\"status\":" + std::to_string(refusal.status);
  if (refusal.retry_after_seconds > 0) message += ",\"retry_after\":" + std::to_string(refusal.retry_after_seconds);
  message += ",\"" + std::string(handoff_protocol::kKnownConnectionVersion) + "\":";
  return message + std::to_string(handoff_protocol::kConnectionVersion) + "}";
}

void note(const Refusal& refusal, Counters& counters) {
  const Counter counter = counter_of(refusal);
  counters.add(counter);
  if (counter == Counter::kRefusedStranger) return;  // which has lines of another kind
  const auto level = refusal.detail.empty() ? log::Level::kInfo : log::Level::kWarn;
  log::write(level, "a client is refused with {}: {}", refusal.status,
             refusal.detail.empty() ? refusal.message : refusal.detail);
}

}  // namespace streaming
