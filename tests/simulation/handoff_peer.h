// SPDX-License-Identifier: Apache-2.0
// HandoffPeer and HandoffConnection: who hands clients over in a simulated world, and its connection to the daemon's Unix
// socket. What Peer and Connection are for streams of bytes, these are for messages with descriptors.
//
// One thread, the world's.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "simulation/peer.h"

namespace streaming::simulation {

// A file whose descriptor comes with a message.
struct HandedFile {
  enum class Kind : std::uint8_t {
    kTcp,       // a client's connection; `peer` is the client
    kUnixPair,  // one end of a socket pair; `peer` has the other: Apache, which relays
    kMemfd,     // a payload
    kPipe,      // no socket
    kDatagram,  // a socket, and none of a stream
    kListener,  // a stream socket that listens
  };

  Kind kind = Kind::kTcp;
  Peer* peer = nullptr;        // its on_open() is called when the message is sent. Outlives the connection
  std::string contents = {};   // of kMemfd
  bool is_sealed = true;       // likewise: against writing, shrinking and growing
};

// Apache's end of a connection to the daemon. The network's; it lives until both ends are closed.
class HandoffConnection {
 public:
  // One message on SOCK_SEQPACKET; on SOCK_STREAM bytes that may arrive in parts, the files with the first of them. The
  // sender keeps its own descriptors of the files: those of clients stay open until it forgets them.
  virtual void send(std::string_view bytes, std::vector<HandedFile> files) = 0;
  // The sender closes its own descriptors of all files that it has sent. A connection whose descriptors are all closed
  // is closed.
  virtual void forget_files() = 0;
  virtual void shutdown_write() = 0;
  // What the daemon has sent and was not read makes its end fail with ECONNRESET. Does not forget the files.
  virtual void close() = 0;
  // While it does not read, the daemon's answer waits in the socket.
  virtual void set_reading(bool reading) = 0;
  // Its slowness and its death are none: it goes over no network.
  virtual Mishaps mishaps() const { return {}; }

 protected:
  ~HandoffConnection() = default;
};

// May call its HandoffConnection from within each of these.
class HandoffPeer {
 public:
  virtual ~HandoffPeer() = default;

  // The connection is there, though the daemon may not have accepted it yet. Valid until on_closed().
  virtual void on_open(HandoffConnection& connection) = 0;
  // There is no connection: the listen backlog is full, or nobody listens. The last call.
  virtual void on_refused() = 0;
  // A message of the daemon.
  virtual void on_message(std::string_view message) = 0;
  // The daemon has read a message, and had no descriptor for a file that came with it.
  virtual void on_file_lost() {}
  // The daemon has closed. `was_read`: it has read all that was sent. Close then.
  virtual void on_end_of_file(bool was_read) = 0;
  // The last call: both ends are closed.
  virtual void on_closed() = 0;
};

}  // namespace streaming::simulation
