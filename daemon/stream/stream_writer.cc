// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_writer.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace streaming {

bool StreamWriter::wrap(ClientConnection& connection, TlsCiphers& ciphers, ClientConnection::End end,
                        bool without_text) {
  using End = ClientConnection::End;
  wraps_ = true;
  const bool has_text = !without_text && !empty();
  if (sending_ || !in_flight_.empty() || ended_) return true;
  if (!has_text && !connection.has_to_reply() && end == End::kNotYet) return true;
  if (chunked_ && has_text) make_chunk();
  const char* begin = queued_.data() + sent_;
  const auto bytes = has_text ? static_cast<std::size_t>(queued_.data() + queued_.size() - begin) : 0;
  const auto written = connection.write(ciphers, {begin, bytes}, end, in_flight_);
  sent_ = 0;
  if (!written) return false;
  only_replies_ = !written->has_text;
  has_wrapped_text_ = has_wrapped_text_ || has_text;
  if (written->done == bytes) {
    if (has_text) queued_.reset();
    ended_ = written->is_end;
  } else if (written->done > 0) {
    Buffer rest;
    rest.append(queued_.view().substr(written->done));
    queued_ = std::move(rest);
  }
  return true;
}

bool StreamWriter::flush(Ring& ring, RingFile client, Tag tag) {
  if (sending_) return false;
  if (in_flight_.empty()) {
    if (wraps_ || empty()) return false;
    if (chunked_) make_chunk();
    std::swap(in_flight_, queued_);
  }
  CHECK(in_flight_left() > 0);
  sending_ = true;
  ring.submit_quiet_send(client, {in_flight_.data() + sent_, static_cast<std::size_t>(in_flight_left())}, tag);
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
  sent_ = 0;
  drop_queued();
}

void StreamWriter::drop_text() {
  CHECK(!has_wrapped_text_);
  if (!wraps_) return drop();
  drop_queued();
}

void StreamWriter::drop_queued() {
  queued_.reset();
  chunked_ = head_queued_ = last_chunk_due_ = false;
}

}  // namespace streaming
