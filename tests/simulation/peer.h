// SPDX-License-Identifier: Apache-2.0
// Peer and Connection: who is at the other end of a daemon's connection in a simulated world: a browser, an LLM API, a
// receiver of reports. The simulated network stands between the two.
//
// One thread, the world's. Nothing here blocks or reads a clock: a peer that wants to do something later asks Schedule.

#pragma once

#include <functional>
#include <string_view>

#include "base/clock.h"

namespace streaming::simulation {

// By how much the clock of days is ahead of the world's.
inline constexpr std::chrono::seconds kClockOfDaysAhead{1'767'225'600};  // the world begins in 2026

// What happens at which moment of the world's clock.
class Schedule {
 public:
  virtual Time now() const = 0;
  // Runs `work` once, that much later; works of one moment in an order that the seed decides.
  virtual void after(Duration delay, std::function<void()> work) = 0;

 protected:
  ~Schedule() = default;
};

// What befalls a connection without a doing of its peer's, or of a daemon that works as it should.
struct Mishaps {
  bool is_slow = false;      // its way takes long
  bool dies = false;         // from some moment on nothing arrives any more, and nobody reports it
  bool was_dropped = false;  // the kernel had no memory for the daemon's end
  bool was_killed = false;   // the daemon's process was, while it had the connection
};

// A peer's end of a stream connection. The network's; it lives until both ends are closed.
class Connection {
 public:
  // Of its way all that there is from the beginning on.
  virtual Mishaps mishaps() const { return {}; }
  // Arrives at the daemon's end later, in order, in parts that the seed decides. Dropped if the daemon's end is gone.
  virtual void send(std::string_view bytes) = 0;
  // No more is sent: an end of file behind what was sent.
  virtual void shutdown_write() = 0;
  // An orderly end of both directions. What the daemon sends then is answered with a reset, as TCP does.
  virtual void close() = 0;
  // What was sent and has not arrived is lost; the daemon's end fails with ECONNRESET.
  virtual void reset() = 0;
  // While it does not read, what the daemon sends waits in buffers of the network, and when they are full, in the daemon.
  virtual void set_reading(bool reading) = 0;

 protected:
  ~Connection() = default;
};

// May call its Connection from within each of these.
class Peer {
 public:
  virtual ~Peer() = default;

  // The connection is there. Valid until on_closed().
  virtual void on_open(Connection& connection) = 0;
  // What the daemon has sent; valid during the call.
  virtual void on_bytes(std::string_view bytes) = 0;
  // The daemon sends no more.
  virtual void on_end_of_file() = 0;
  // The last call: both ends are closed, or the daemon has reset the connection.
  virtual void on_closed(bool reset) = 0;
};

}  // namespace streaming::simulation
