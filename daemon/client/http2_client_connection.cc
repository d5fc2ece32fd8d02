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
  if (!tls_) return answer_.write(text, end, bytes);
  if (end == End::kMalformed && !answer_.is_malformed()) {
    if (!tls_->write(ciphers, {}, end, bytes)) return std::nullopt;
    return Written{.done = text.size(), .is_end = true};
  }
  Buffer frames;
  const Written written = answer_.write(text, end, frames);
  // GOAWAY has the reason if the frames are malformed, and the records are not.
  if (!tls_->write(ciphers, frames.view(), written.is_end ? End::kWhole : End::kNotYet, bytes)) return std::nullopt;
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
