// SPDX-License-Identifier: Apache-2.0
#include "handoff/refusal.h"

#include "protocol/connection_part.h"
#include "protocol/handoff_protocol.h"

namespace streaming {

std::string acknowledgement_of(const Refusal& refusal) {
  std::string message(1, handoff_protocol::kRefused);
  message += "{\"status\":" + std::to_string(refusal.status);
  if (refusal.retry_after_seconds > 0) message += ",\"retry_after\":" + std::to_string(refusal.retry_after_seconds);
  message += ",\"" + std::string(handoff_protocol::kKnownConnectionVersion) + "\":";
  return message + std::to_string(handoff_protocol::kConnectionVersion) + "}";
}

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

}  // namespace streaming
