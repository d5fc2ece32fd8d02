// SPDX-License-Identifier: Apache-2.0
// FailureKind: why an upstream gave no whole answer. CloseCause: why a stream, or a kept answer, ended. The one list: log word, metric
// label and what the client is told (docs/PROTOCOL.md describes the codes of error events).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sse/client_error.h"

namespace streaming {

// Why an upstream gave no whole answer.
enum class FailureKind : std::uint8_t {
  kUnreachable,    // no connection, or lost before the answer's head
  kStatus,         // answered with an error
  kReported,       // an error event in its stream
  kTruncated,      // ended before the answer's end
  kMalformed,      // not what its API promises
  kCompressed,     // in an encoding that was not asked for
  kTooLarge,       // an event over max_event_bytes
  kAttachment,     // a file that the hand-off names cannot be used
  kOverBudget,     // the files would have all requests together hold more than they may
  kProgramFailed,  // a program that answers has failed
  // Of a kept answer, which has no stream of its own to notice it.
  kFirstByteTimeout,
  kIdleTimeout,
  kTooLong,
  kStopped,     // by a user
  kAbandoned,   // its last follower has left
  kFellBehind,  // this follower has, and what it is still to get is not kept any more
  kShutdown,
};

enum class CloseCause : std::uint8_t {
  kCompleted,
  kRefused,
  kStopped,
  kClientGone,
  kWriteTimeout,
  kClientMalformed,
  kTlsFailed,
  kFirstByteTimeout,
  kIdleTimeout,
  kTooLong,
  kUpstreamUnreachable,
  kUpstreamStatus,
  kUpstreamReported,
  kUpstreamTruncated,
  kUpstreamMalformed,
  kUpstreamCompressed,
  kUpstreamTooLarge,
  kAttachment,
  kOverBudget,
  kProgramFailed,
  kFellBehind,
  kShutdown,
  kCount
};

inline constexpr std::size_t kCloseCauses = static_cast<std::size_t>(CloseCause::kCount);

struct CloseCauseInfo {
  CloseCause cause;
  std::string_view word;     // in the log and in metrics, and the code of the error event
  std::string_view message;  // of the error event; empty: the client is told nothing, or is no longer there
  int status = 0;            // of HTTP, where the client gets an answer of its own in place of the event
};

inline constexpr std::array<CloseCauseInfo, kCloseCauses> kCloseCauseTable{{
    {CloseCause::kCompleted, "completed", ""},
    {CloseCause::kRefused, "refused", ""},
    {CloseCause::kStopped, "stopped", ""},
    {CloseCause::kClientGone, "client_gone", ""},
    {CloseCause::kWriteTimeout, "write_timeout", ""},
    {CloseCause::kClientMalformed, "client_malformed", ""},
    {CloseCause::kTlsFailed, "tls_failed", ""},
    {CloseCause::kFirstByteTimeout, "first_byte_timeout", "The model did not answer in time.", 504},
    {CloseCause::kIdleTimeout, "idle_timeout", "The model fell silent.", 504},
    {CloseCause::kTooLong, "too_long", "The answer took too long.", 504},
    {CloseCause::kUpstreamUnreachable, "upstream_unreachable", "The model cannot be reached.", 502},
    {CloseCause::kUpstreamStatus, "upstream_status", "The model refused the request.", 502},  // see client_error()
    {CloseCause::kUpstreamReported, "upstream_reported", "The model reported an error.", 502},
    {CloseCause::kUpstreamTruncated, "upstream_truncated", "The answer broke off.", 502},
    {CloseCause::kUpstreamMalformed, "upstream_malformed", "The model's answer cannot be read.", 502},
    {CloseCause::kUpstreamCompressed, "upstream_compressed", "The model's answer cannot be read.", 502},
    {CloseCause::kUpstreamTooLarge, "upstream_too_large", "The model's answer is too large.", 502},
    {CloseCause::kAttachment, "attachment", "An attachment cannot be used.", 400},
    {CloseCause::kOverBudget, "over_budget", "The server is busy, try again soon.", 503},
    {CloseCause::kProgramFailed, "program_failed", ""},
    {CloseCause::kFellBehind, "fell_behind", "The connection is too slow for this answer.", 503},
    {CloseCause::kShutdown, "shutdown", "The server is being restarted.", 503},
}};

constexpr const CloseCauseInfo& info(CloseCause cause) {
  return kCloseCauseTable[static_cast<std::size_t>(cause)];
}

constexpr CloseCause cause_of(FailureKind failure) {
  switch (failure) {
    case FailureKind::kUnreachable:
      return CloseCause::kUpstreamUnreachable;
    case FailureKind::kStatus:
      return CloseCause::kUpstreamStatus;
    case FailureKind::kReported:
      return CloseCause::kUpstreamReported;
    case FailureKind::kTruncated:
      return CloseCause::kUpstreamTruncated;
    case FailureKind::kMalformed:
      return CloseCause::kUpstreamMalformed;
    case FailureKind::kCompressed:
      return CloseCause::kUpstreamCompressed;
    case FailureKind::kTooLarge:
      return CloseCause::kUpstreamTooLarge;
    case FailureKind::kAttachment:
      return CloseCause::kAttachment;
    case FailureKind::kOverBudget:
      return CloseCause::kOverBudget;
    case FailureKind::kProgramFailed:
      return CloseCause::kProgramFailed;
    case FailureKind::kFirstByteTimeout:
      return CloseCause::kFirstByteTimeout;
    case FailureKind::kIdleTimeout:
      return CloseCause::kIdleTimeout;
    case FailureKind::kTooLong:
      return CloseCause::kTooLong;
    case FailureKind::kStopped:
      return CloseCause::kStopped;
    case FailureKind::kAbandoned:
      return CloseCause::kClientGone;
    case FailureKind::kFellBehind:
      return CloseCause::kFellBehind;
    case FailureKind::kShutdown:
      return CloseCause::kShutdown;
  }
  return CloseCause::kUpstreamMalformed;
}

// The failure that ends an answer for this cause; nothing if none does.
constexpr std::optional<FailureKind> failure_of(CloseCause cause) {
  for (int kind = 0; kind <= static_cast<int>(FailureKind::kShutdown); ++kind) {
    if (cause_of(static_cast<FailureKind>(kind)) == cause) return static_cast<FailureKind>(kind);
  }
  return std::nullopt;
}

// Whether the client has got the end of its answer, be it an error event.
constexpr bool client_has_end(CloseCause cause) {
  return cause < CloseCause::kClientGone || cause > CloseCause::kTlsFailed;
}

// Whether it is the upstream that has not done what it should.
constexpr bool is_upstream_error(CloseCause cause) {
  return cause >= CloseCause::kFirstByteTimeout && cause <= CloseCause::kUpstreamTooLarge &&
         cause != CloseCause::kTooLong;
}

// Of an upstream's status, which decides whether it helps to ask again. The status itself is not passed on.
inline constexpr ClientError kUpstreamRefused{"The model refused the request.", "upstream_refused"};
inline constexpr ClientError kUpstreamBusy{"The model is busy, try again soon.", "upstream_busy"};
inline constexpr ClientError kUpstreamFailed{"The model failed.", "upstream_failed"};

constexpr bool is_upstream_busy(int upstream_status) {
  return upstream_status == 429 || upstream_status == 503 || upstream_status == 504 ||
         upstream_status == 529;  // overloaded, at Anthropic
}

// What the client is told; without a message, nothing.
constexpr ClientError client_error(CloseCause cause, int upstream_status) {
  if (cause != CloseCause::kUpstreamStatus) return {info(cause).message, info(cause).word};
  if (is_upstream_busy(upstream_status)) return kUpstreamBusy;
  return upstream_status >= 500 ? kUpstreamFailed : kUpstreamRefused;
}

// The status of the answer that a client gets in place of a stream. What the upstream says of its own load is passed
// on; its other complaints are between it and the daemon.
constexpr int answer_status(CloseCause cause, int upstream_status) {
  if (cause != CloseCause::kUpstreamStatus || !is_upstream_busy(upstream_status)) return info(cause).status;
  return upstream_status == 529 ? 503 : upstream_status;
}

}  // namespace streaming
