// StreamWriter: what one client is still to get. At most one send in flight; what gathers meanwhile goes out in the
// next.
//
// A member of its stream. Holds no memory while nothing waits. Bytes in flight are never moved or appended to.

#pragma once

#include <cstddef>
#include <cstdint>

#include "base/buffer.h"
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

  // Bytes that have not been taken by the kernel.
  std::size_t waiting() const { return in_flight_.size() - sent_ + queued_.size(); }
  bool empty() const { return waiting() == 0; }
  // True exactly when the send has been submitted and on_sent() has not yet been called.
  bool sending() const { return sending_; }

  // Submits a send with `tag` if one is needed and none is in flight; true when it did.
  bool flush(Ring& ring, RingFile client, Tag tag);
  Progress on_sent(std::int32_t result);

  // Forgets what waits. Not while sending.
  void drop();

 private:
  Buffer in_flight_;  // what flush() submits next, or has submitted; its first sent_ bytes have gone
  Buffer queued_;
  std::uint32_t sent_ = 0;
  bool sending_ = false;
};

}  // namespace streaming
