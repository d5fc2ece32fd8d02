// SPDX-License-Identifier: Apache-2.0
// ClientConnection: what is between a client's socket and the text of its answer, which is that of HTTP/1.x: TLS,
// HTTP/2, or HTTP/2 over TLS. A client with none of them has no ClientConnection.
//
// Made when the hand-off is read, then owned by the client's stream, on the worker's thread. Knows no sockets and no
// streams: text goes in and bytes for the socket come out, and what the client has sent goes in.

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "protocol/connection_part.h"

namespace streaming {

class TlsCiphers;

class ClientConnection {
 public:
  // The connection that `state` describes, which has received what Apache has received and not used. Null if it has
  // neither TLS nor HTTP/2.
  static std::unique_ptr<ClientConnection> make(const handoff_protocol::ConnectionState& state);

  virtual ~ClientConnection() = default;

  // What follows the text.
  enum class End : std::uint8_t {
    kNotYet,
    kWhole,       // the answer is whole, and the client can tell
    kCut,         // over HTTP/2: the answer breaks off, and what is left of the text is dropped
    kMalformed,   // the answer breaks off, because received() is kMalformed; the client gets the reason
    kConnection,  // over HTTP/2, later than kWhole or kCut: the connection ends too
  };
  struct Written {
    std::size_t done = 0;   // so much of the text's beginning is of no use any more
    bool has_text = false;  // not replies alone
    bool is_end = false;    // nothing may be written any more
  };
  // Appends to `bytes` what the client is to get next: replies, then what it has room for of `text`, then the end if
  // all of the text went. The text that is not done is to be passed again, with what has joined it. An answer begins
  // with its head, and is not chunked if it goes over HTTP/2. Over HTTP/2 kWhole and kCut end the answer alone: replies
  // may follow, and the same end has no effect again.
  //
  // Nothing is returned if TLS can make no further record. Then the connection must not be used any more.
  [[nodiscard]] virtual std::optional<Written> write(TlsCiphers& ciphers, std::string_view text, End end,
                                                     Buffer& bytes) = 0;

  // Whether write() has something to reply even without text.
  virtual bool has_to_reply() const = 0;
  // Whether another request of the client waits for the head: behind it the client learns that it has to send that one
  // on another connection.
  virtual bool wants_head() const { return false; }

  enum class Received : std::uint8_t {
    kNothing,    // to act on
    kCancelled,  // the client wants no more of this answer: text is dropped from now on. The connection goes on
    kClosed,     // the client has closed the connection
    kMalformed,  // the client has broken the protocol; what it still sends is dropped
  };
  // Takes what the client has sent, any part of it, and changes it in place. Returns received().
  virtual Received receive(TlsCiphers& ciphers, std::span<char> bytes) = 0;
  // All in all. It never becomes kNothing again.
  virtual Received received() const = 0;
  // The error code of HTTP/2 by which the client has left or was complained of; empty if there is none.
  virtual std::string_view error_name() const { return {}; }

  // How much it keeps of a TLS record whose end is still to come.
  virtual std::size_t incomplete_bytes() const = 0;
  // Frees that. Nothing may be received any more.
  virtual void drop_incomplete() = 0;

  // Something that is given back when the connection ends.
  class Lease {
   public:
    virtual ~Lease() = default;
  };
  // Only a connection over HTTP/2 keeps it.
  virtual void keep(std::unique_ptr<Lease>) {}
};

}  // namespace streaming
