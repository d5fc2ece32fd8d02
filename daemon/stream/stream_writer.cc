// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_writer.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace streaming {

bool StreamWriter::seal(TlsConnection& tls, TlsCiphers& ciphers, LastRecord last) {
  using Sealing = TlsConnection::Sealing;
  const bool needed = !empty() || tls.has_to_answer() || last != LastRecord::kNotYet;
  if (sending_ || !in_flight_.empty() || ended_ || !needed) return true;
  if (chunked_) make_chunk();
  const char* begin = queued_.data() + sent_;
  const std::string_view text(begin, static_cast<std::size_t>(queued_.data() + queued_.size() - begin));
  Sealing sealing = tls.seal(ciphers, text, in_flight_);
  if (sealing == Sealing::kDone && last == LastRecord::kCloseNotify) {
    sealing = tls.seal_close_notify(ciphers, in_flight_);
  } else if (sealing == Sealing::kDone && last == LastRecord::kFatalAlert) {
    sealing = tls.seal_fatal_alert(ciphers, in_flight_);
  }
  queued_.reset();
  sent_ = 0;
  sealed_ = true;
  ended_ = last != LastRecord::kNotYet;
  return sealing == Sealing::kDone;
}

bool StreamWriter::flush(Ring& ring, RingFile client, Tag tag) {
  if (sending_ || empty()) return false;
  if (in_flight_.empty()) {
    if (chunked_) make_chunk();
    std::swap(in_flight_, queued_);
  }
  CHECK(in_flight_left() > 0);
  sending_ = true;
  ring.submit_send(client, {in_flight_.data() + sent_, static_cast<std::size_t>(in_flight_left())}, tag);
  return true;
}

// The chunk's size, which is known now, goes into the headroom; where the head stands before the chunk, the head moves
// there to make room.
void StreamWriter::make_chunk() {
  constexpr std::string_view kEndOfHead = "\r\n\r\n";
  CHECK(sent_ == 0 && in_flight_.empty());
  const std::size_t head = head_queued_ ? queued_.view().find(kEndOfHead) + kEndOfHead.size() : 0;
  head_queued_ = false;
  if (const std::size_t bytes = queued_.size() - head; bytes > 0) {
    std::array<char, Buffer::kHeadroom> size;
    char* end = std::to_chars(size.data(), size.data() + size.size() - 2, bytes, 16).ptr;
    *end++ = '\r';
    *end++ = '\n';
    const auto size_bytes = static_cast<std::size_t>(end - size.data());
    queued_.append("\r\n");
    char* begin = queued_.begin() - size_bytes;
    std::memmove(begin, begin + size_bytes, head);
    std::memcpy(begin + head, size.data(), size_bytes);
    sent_ = -static_cast<std::int32_t>(size_bytes);
  }
  if (last_chunk_due_) queued_.append("0\r\n\r\n");
  last_chunk_due_ = false;
}

StreamWriter::Progress StreamWriter::on_sent(std::int32_t result) {
  CHECK(sending_);
  sending_ = false;
  if (result == -EAGAIN || result == -EINTR || result == -ENOBUFS || result == -ENOMEM) return Progress::kBlocked;
  if (result < 0) return Progress::kFailed;
  CHECK(result <= in_flight_left());
  sent_ += result;
  if (in_flight_left() == 0) {
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
  chunked_ = head_queued_ = last_chunk_due_ = false;
}

}  // namespace streaming
