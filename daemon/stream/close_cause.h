// CloseCause: why a stream ended. The one list: log word, metric label and what the client is told.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace streaming {

enum class CloseCause : std::uint8_t {
  kCompleted,
  kRefused,
  kClientGone,
  kWriteTimeout,
  kFirstByteTimeout,
  kIdleTimeout,
  kTooLong,
  kUpstreamUnreachable,
  kUpstreamStatus,
  kUpstreamReported,
  kUpstreamTruncated,
  kUpstreamMalformed,
  kUpstreamTooLarge,
  kShutdown,
  kCount
};

inline constexpr std::size_t kCloseCauses = static_cast<std::size_t>(CloseCause::kCount);

struct CloseCauseInfo {
  CloseCause cause;
  std::string_view word;     // in the log and in metrics
  std::string_view message;  // of the error event; empty: the client is told nothing, or is no longer there
};

inline constexpr std::array<CloseCauseInfo, kCloseCauses> kCloseCauseTable{{
    {CloseCause::kCompleted, "completed", ""},
    {CloseCause::kRefused, "refused", ""},
    {CloseCause::kClientGone, "client_gone", ""},
    {CloseCause::kWriteTimeout, "write_timeout", ""},
    {CloseCause::kFirstByteTimeout, "first_byte_timeout", "The model did not answer in time."},
    {CloseCause::kIdleTimeout, "idle_timeout", "The model fell silent."},
    {CloseCause::kTooLong, "too_long", "The answer took too long."},
    {CloseCause::kUpstreamUnreachable, "upstream_unreachable", "The model cannot be reached."},
    {CloseCause::kUpstreamStatus, "upstream_status", "The model refused the request."},
    {CloseCause::kUpstreamReported, "upstream_reported", "The model reported an error."},
    {CloseCause::kUpstreamTruncated, "upstream_truncated", "The answer broke off."},
    {CloseCause::kUpstreamMalformed, "upstream_malformed", "The model's answer cannot be read."},
    {CloseCause::kUpstreamTooLarge, "upstream_too_large", "The model's answer is too large."},
    {CloseCause::kShutdown, "shutdown", "The server is being restarted."},
}};

constexpr const CloseCauseInfo& info(CloseCause cause) {
  return kCloseCauseTable[static_cast<std::size_t>(cause)];
}

}  // namespace streaming
