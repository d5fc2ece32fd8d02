// SPDX-License-Identifier: Apache-2.0
// StreamWriter: what one client is still to get. At most one send in flight; what gathers meanwhile goes out in the
// next.
//
// A member of its stream. Holds no memory while nothing waits. Bytes in flight are never moved or appended to. Of a
// chunked answer each flush makes one chunk of what has gathered, in the same send. What is queued is always the
// answer's own text: a ClientConnection makes records or frames of it on its way to the bytes in flight.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
#include "client/client_connection.h"
#include "ring/ring.h"

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
  // Whether the next flush() has to send what the last one could not.
  bool has_rest() const { return !sending_ && !in_flight_.empty(); }
  // True exactly when the send has been submitted and on_sent() has not yet been called.
  bool sending() const { return sending_; }

  // For a client that has a connection, before each flush(): passes what is queued through the connection, or, if
  // `without_text`, only its replies. With an end nothing may be queued any more. False if the connection must not be
  // used any more.
  [[nodiscard]] bool wrap(ClientConnection& connection, TlsCiphers& ciphers, ClientConnection::End end,
                          bool without_text);
  // Whether text was wrapped, which must reach the client: nothing else can take its place.
  bool has_wrapped_text() const { return has_wrapped_text_; }
  // Whether there is text, and the connection takes none of it now.
  bool is_held_back() const { return !sending_ && in_flight_.empty() && !queued_.empty(); }

  // Whether the last send had replies alone while text waits: it shows nothing of the client's room for that.
  bool has_only_replied() const { return only_replies_ && !queued_.empty(); }

  // Submits a send with `tag` if one is needed and none is in flight; true when it did.
  bool flush(Ring& ring, RingFile client, Tag tag);
  Progress on_sent(std::int32_t result);

  // Forgets what waits, and that it was to be chunked. Not while sending.
  void drop();
  // Likewise of text of which nothing was sent or wrapped; a connection's replies go on.
  void drop_text();

 private:
  std::int64_t in_flight_left() const { return static_cast<std::int64_t>(in_flight_.size()) - sent_; }
  void make_chunk();
  void drop_queued();

  Buffer in_flight_;  // what flush() submits next, or has submitted; its first sent_ bytes have gone
  Buffer queued_;
  std::int32_t sent_ = 0;  // negative where the first bytes are in the buffer's headroom
  bool sending_ : 1 = false;
  bool chunked_ : 1 = false;
  bool head_queued_ : 1 = false;     // queued_ begins with the head, which is in no chunk
  bool last_chunk_due_ : 1 = false;
  bool wraps_ : 1 = false;  // text goes through a connection
  bool has_wrapped_text_ : 1 = false;
  bool only_replies_ : 1 = false;  // are in flight, and none of the text
  bool ended_ : 1 = false;  // the connection's end is written: nothing may follow
};

}  // namespace streaming
