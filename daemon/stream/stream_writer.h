// SPDX-License-Identifier: Apache-2.0
// StreamWriter: what one client is still to get. At most one send in flight; what gathers meanwhile goes out in the
// next.
//
// A member of its stream. Holds no memory while nothing waits. Bytes in flight are never moved or appended to. Of a
// chunked answer each flush makes one chunk of what has gathered, in the same send. For a client over TLS that chunk
// becomes records on its way to the bytes in flight; what is queued is always the answer's own text.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
#include "ring/ring.h"
#include "tls/tls_connection.h"

namespace streaming {

class StreamWriter {
 public:
  enum class Progress {
    kSent,     // some bytes have gone
    kBlocked,  // the client's buffer is full: call flush() again when the client is writable
    kFailed,   // the client is gone
  };

  // Where to append what is to be sent; flush() sends it.
  Buffer& queue() { return queued_; }

  // The head is queued; what follows it goes out in chunks.
  void begin_chunks() { chunked_ = head_queued_ = true; }
  // Of an answer that is whole: the last chunk is due behind what is queued.
  void end_chunks() { last_chunk_due_ = chunked_; }

  // Bytes that have not been taken by the kernel.
  std::size_t waiting() const { return static_cast<std::size_t>(in_flight_left()) + queued_.size(); }
  bool empty() const { return waiting() == 0 && !last_chunk_due_; }
  // True exactly when the send has been submitted and on_sent() has not yet been called.
  bool sending() const { return sending_; }

  // The record that ends a connection.
  enum class LastRecord : std::uint8_t {
    kNotYet,
    kCloseNotify,  // the answer is whole
    kFatalAlert,   // the client has broken the protocol
  };
  // For a client over TLS, before each flush(): makes records of what is queued, and of what the connection has to
  // answer. With the last record nothing may be queued any more. False if records cannot be made; then the connection
  // must not be used any more.
  [[nodiscard]] bool seal(TlsConnection& tls, TlsCiphers& ciphers, LastRecord last);
  // Whether records were made, which must reach the client in their order: drop() must not make way for others.
  bool sealed() const { return sealed_; }

  // Submits a send with `tag` if one is needed and none is in flight; true when it did.
  bool flush(Ring& ring, RingFile client, Tag tag);
  Progress on_sent(std::int32_t result);

  // Forgets what waits, and that it was to be chunked. Not while sending.
  void drop();

 private:
  std::int64_t in_flight_left() const { return static_cast<std::int64_t>(in_flight_.size()) - sent_; }
  void make_chunk();

  Buffer in_flight_;  // what flush() submits next, or has submitted; its first sent_ bytes have gone
  Buffer queued_;
  std::int32_t sent_ = 0;  // negative where the first bytes are in the buffer's headroom
  bool sending_ : 1 = false;
  bool chunked_ : 1 = false;
  bool head_queued_ : 1 = false;     // queued_ begins with the head, which is in no chunk
  bool last_chunk_due_ : 1 = false;
  bool sealed_ : 1 = false;
  bool ended_ : 1 = false;  // the last record is made
};

}  // namespace streaming
