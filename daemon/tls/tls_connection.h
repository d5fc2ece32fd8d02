// SPDX-License-Identifier: Apache-2.0
// TlsConnection: a client's TLS connection behind its handshake. It makes records of what the client is to get, and
// opens the records that the client sends. RFC 8446 (TLS 1.3), RFC 5246 with RFC 5288 and RFC 7905 (TLS 1.2).
//
// One per stream to such a client, owned by it, on the worker's thread. Knows nothing of streams or sockets. Between two
// calls it holds the keys, the sequence numbers and at most the incomplete record that the client has begun; the cipher
// contexts are the worker's (TlsCiphers). Its secrets are wiped when it is destroyed.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "protocol/connection_part.h"

namespace streaming {

class TlsCiphers;

class TlsConnection {
 public:
  explicit TlsConnection(const handoff_protocol::TlsState& state);

  // What a call of seal() found.
  enum class Sealing {
    kDone,
    kExhausted,  // the sequence numbers, or what one key may protect, are used up and there is no next key: TLS 1.2
    kFailed,     // OpenSSL has failed, for lack of memory
  };
  // Appends to `records` the records of `text`, each of kMaxRecordText bytes at most, and before them the KeyUpdate that
  // is due. An empty text makes no record of its own.
  Sealing seal(TlsCiphers& ciphers, std::string_view text, Buffer& records);
  // Appends the alert close_notify. Nothing is sealed after it.
  Sealing seal_close_notify(TlsCiphers& ciphers, Buffer& records);

  // Whether a KeyUpdate is due that the client waits for.
  bool has_to_answer() const { return key_update_due_; }

  enum class Received {
    kNothing,    // to act on; what the client has sent was dropped
    kClosed,     // close_notify, or another alert that ends the connection
    kMalformed,  // a record that cannot be opened, or breaks the protocol
  };
  // Takes what has come, any part of the stream of records, and opens it in place.
  Received receive(TlsCiphers& ciphers, std::span<char> bytes);

 private:
  handoff_protocol::TlsState state_;
  Buffer incomplete_;  // a record whose end is still to come
  bool key_update_due_ = false;
};

}  // namespace streaming
