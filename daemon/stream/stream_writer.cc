#include "stream/stream_writer.h"

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace streaming {

bool StreamWriter::flush(Ring& ring, RingFile client, Tag tag) {
  if (sending_ || empty()) return false;
  if (in_flight_.empty()) std::swap(in_flight_, queued_);
  sending_ = true;
  ring.submit_send(client, {in_flight_.data() + sent_, in_flight_.size() - sent_}, tag);
  return true;
}

StreamWriter::Progress StreamWriter::on_sent(std::int32_t result) {
  CHECK(sending_);
  sending_ = false;
  if (result == -EAGAIN || result == -EINTR || result == -ENOBUFS || result == -ENOMEM) return Progress::kBlocked;
  if (result < 0) return Progress::kFailed;
  sent_ += static_cast<std::uint32_t>(result);
  CHECK(sent_ <= in_flight_.size());
  if (sent_ == in_flight_.size()) {
    in_flight_.reset();
    sent_ = 0;
  }
  return Progress::kSent;
}

void StreamWriter::drop() {
  CHECK(!sending_);
  in_flight_.reset();
  queued_.reset();
  sent_ = 0;
}

}  // namespace streaming
