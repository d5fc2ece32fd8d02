// SPDX-License-Identifier: Apache-2.0
// Options: what the command line asks for. Made once by main(), then read by all processes.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/duration.h"
#include "base/result.h"

namespace streaming::bench {

enum class ClientKind : std::uint8_t { kUnix, kTcp };

// Where a client leaves before its answer has ended.
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
  ClientKind client = ClientKind::kUnix;
  std::uint64_t slow_bytes_per_s = 0;  // 0: reads at once
  AbortAfter abort_after;
  Nanoseconds leave_after{0};         // 0: does not
  std::uint32_t expected_events = 0;  // 0: one at least
  bool any_end = false;               // an answer need not end with [DONE]
  std::uint32_t in_flight = 0;        // 0: no bound
  std::uint32_t processes = 1;
  bool wait_ack = false;
  pid_t pid = 0;  // 0: the daemon is not measured
  std::string output;
};

// Exits with --help's text or an error's where CLI11 would.
Options read_options(int argc, char** argv);

// "5" events, "1000b" bytes.
Result<AbortAfter> parse_abort_after(const std::string& text);

// The part of one of the processes.
std::uint32_t share_of(std::uint32_t total, std::uint32_t processes, std::uint32_t process);

// What a process needs at most at once, to tell a limit that is too low before the first stream fails.
std::uint64_t descriptors_needed(const Options& options);

}  // namespace streaming::bench
