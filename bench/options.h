// SPDX-License-Identifier: Apache-2.0
// Options: the command line's settings. Made once by main(), then read by all processes.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/duration.h"
#include "base/result.h"

namespace streaming::bench {

enum class ClientKind : std::uint8_t { kUnix, kTcp, kTls };

// The point at which a client leaves before its answer has ended.
struct AbortAfter {
  std::uint32_t events = 0;  // 0: not by events
  std::uint64_t bytes = 0;   // 0: not by bytes
  bool set() const { return events > 0 || bytes > 0; }
};

struct Options {
  std::string socket_path;
  std::uint32_t connections = 100;
  Nanoseconds ramp_up = std::chrono::seconds(10);
  Nanoseconds hold = std::chrono::seconds(60);
  Nanoseconds stream_timeout = std::chrono::seconds(120);
  std::string data = R"({"prompt":"benchmark test","user_id":1})";
  std::uint32_t streams_per_number = 1;
  ClientKind client = ClientKind::kUnix;
  std::uint64_t slow_bytes_per_s = 0;  // 0: reads immediately
  AbortAfter abort_after;
  Nanoseconds leave_after{0};         // 0: does not leave
  std::uint32_t expected_events = 0;  // 0: at least one
  bool any_end = false;               // an answer need not end with [DONE]
  std::uint32_t in_flight = 0;        // 0: no limit
  std::uint32_t processes = 1;
  bool wait_ack = false;
  pid_t pid = 0;       // 0: the daemon is not measured
  std::string output;  // a file, or kStandardOutput
  std::string samples;
  bool verbose = false;
};

// The output that is no file.
inline constexpr std::string_view kStandardOutput = "-";

// In the data: the number of the stream, from 0, or of the streams that share it.
inline constexpr std::string_view kNumberPlace = "{number}";

// Prints --help or an error and exits, as CLI11 does.
Options read_options(int argc, char** argv);

// "5" events, "1000b" bytes.
Result<AbortAfter> parse_abort_after(const std::string& text);

// The share of one process.
std::uint32_t share_of(std::uint32_t total, std::uint32_t processes, std::uint32_t process);

// The most descriptors that a process needs at once, so that too low a limit is reported before the first stream fails.
std::uint64_t descriptors_needed(const Options& options);

}  // namespace streaming::bench
