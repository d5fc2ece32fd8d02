// SPDX-License-Identifier: Apache-2.0
// ReconnectGate: when an origin may be connected to again whose connections were of no use, so that no server's behaviour
// makes the daemon open one connection after the other.
//
// One per ConnectionPool and per connection to the store, on its thread. The pause grows with each such connection, a
// part of it by chance, and is over with the first answer. The log says the cause once, again when it is another, and
// when an answer has come.

#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random_id.h"

namespace streaming {

// Why a connection ended, or takes no more requests.
enum class ConnectionEnd : std::uint8_t {
  kOnPurpose,    // by us, with nothing wrong
  kNoAddress,    // the name has none
  kUnreachable,  // no address answered
  kTlsFailed,
  kNoHttp2,    // it does not speak HTTP/2, or breaks its rules
  kNoStreams,  // it allows none
  kGoingAway,  // it says that it takes none, before it has answered one
  kRefused,    // it refuses requests unread
  kClosed,     // by the server, or lost
  kSilent,     // no answer to a ping
};

class ReconnectGate {
 public:
  // `server`: what the log calls it.
  ReconnectGate(std::string server, Duration longest_pause);

  bool failing() const { return failures_ > 0; }
  Time opens_at() const { return opens_at_; }
  // Of the last connection that was of no use.
  const std::string& error() const { return error_; }

  void on_failure(ConnectionEnd cause, std::string_view error, Time now);
  void on_answer();

 private:
  const std::string server_;
  const Duration longest_pause_;
  std::minstd_rand random_{random_seed()};
  int failures_ = 0;                                      // since the last answer
  ConnectionEnd logged_cause_ = ConnectionEnd::kOnPurpose;  // of these failures; kOnPurpose: none
  Time opens_at_{};
  std::string error_;
};

}  // namespace streaming
