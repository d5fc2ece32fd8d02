// SPDX-License-Identifier: Apache-2.0
// The limits of what is kept and reported of answers. Each comment says what happens at the limit.

#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace streaming {

// --- What a report has of an answer ---------------------------------------------------------------------------------

// Text, reasoning and tool calls of one answer; and those of all answers that run, in the process. Over either: what
// comes later is left out of the report, which says so; the client gets it nevertheless.
inline constexpr std::size_t kMaxRecordBytes = 1024 * 1024;
inline constexpr std::size_t kMaxRecordsBytes = 256 * 1024 * 1024;

// How long a report waits, from the answer's end, until it is known whether the client has got that end. Longer than a
// client that has all of it takes. Over it: the report is sent without that.
inline constexpr Duration kClientEndPatience{3000};

// --- Sending reports ------------------------------------------------------------------------------------------------

// Reports that are being sent to one hook at one time, per worker. Over it: they wait.
inline constexpr std::uint32_t kMaxReportsInFlight = 16;

// After a failure of a report: the pauses before it is sent again. After the last one it is given up.
inline constexpr std::array<Duration, 7> kReportPauses{
    std::chrono::seconds(5), std::chrono::seconds(30), std::chrono::minutes(5), std::chrono::minutes(30),
    std::chrono::hours(2),   std::chrono::hours(6),    std::chrono::hours(24)};

// Reports in memory, per worker, in bytes. Over it: a report that comes is lost.
inline constexpr std::size_t kMaxReportBytesHeld = 64 * 1024 * 1024;

// Pause between two log lines about a hook that fails, per worker.
inline constexpr Duration kHookComplaintPause{10'000};

// How long a worker that ends still sends reports. Over it: those that are left are lost.
inline constexpr Duration kLastReportsTimeout{2000};

// The random bytes of a hook's secret, as Standard Webhooks have them. Otherwise: an error at the start.
inline constexpr std::size_t kMinHookSecretBytes = 24;
inline constexpr std::size_t kMaxHookSecretBytes = 64;

}  // namespace streaming
