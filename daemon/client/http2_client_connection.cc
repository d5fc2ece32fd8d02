// SPDX-License-Identifier: Apache-2.0
#include "client/http2_client_connection.h"

#include <utility>

namespace streaming {
namespace {

std::string_view text_of(std::span<const std::uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

struct FramesInRecords final : TextReceiver {
  explicit FramesInRecords(Http2Answer& answer) : answer_(answer) {}
  void on_text(std::string_view text) override { answer_.receive(text); }

  Http2Answer& answer_;
};

}  // namespace

Http2ClientConnection::Http2ClientConnection(const handoff_protocol::Http2State& state,
                                             std::span<const std::uint8_t> frames,
                                             std::unique_ptr<TlsClientConnection> tls)
    : answer_(state), tls_(std::move(tls)) {
  answer_.receive(text_of(frames));
}

std::optional<ClientConnection::Written> Http2ClientConnection::write(TlsCiphers& ciphers, std::string_view text,
                                                                      End end, Buffer& bytes) {
  const bool is_last = end != End::kNotYet;
  if (!tls_) return answer_.write(text, is_last, bytes);
  if (end == End::kMalformed && !answer_.is_malformed()) {
    if (!tls_->write(ciphers, {}, end, bytes)) return std::nullopt;
    return Written{text.size(), false};
  }
  Buffer frames;
  const Written written = answer_.write(text, is_last, frames);
  // GOAWAY has the reason if the frames are malformed, and the records are not.
  const bool is_end = is_last && written.done == text.size();
  if (!tls_->write(ciphers, frames.view(), is_end ? End::kWhole : End::kNotYet, bytes)) return std::nullopt;
  return written;
}

ClientConnection::Received Http2ClientConnection::receive(TlsCiphers& ciphers, std::span<char> bytes) {
  answer_.count_received(bytes.size());
  if (tls_) {
    FramesInRecords frames(answer_);
    tls_->receive(ciphers, bytes, &frames);
  } else {
    answer_.receive({bytes.data(), bytes.size()});
  }
  return received();
}

ClientConnection::Received Http2ClientConnection::received() const {
  const Received below = tls_ ? tls_->received() : Received::kNothing;
  return below == Received::kNothing ? answer_.received() : below;
}

}  // namespace streaming
