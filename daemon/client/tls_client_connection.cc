// SPDX-License-Identifier: Apache-2.0
#include "client/tls_client_connection.h"

namespace streaming {

std::optional<ClientConnection::Written> TlsClientConnection::write(TlsCiphers& ciphers, std::string_view text,
                                                                    End end, Buffer& bytes) {
  using Sealing = TlsConnection::Sealing;
  Sealing sealing = tls_.seal(ciphers, text, bytes);
  if (sealing == Sealing::kDone && end == End::kWhole) sealing = tls_.seal_close_notify(ciphers, bytes);
  if (sealing == Sealing::kDone && end == End::kMalformed) sealing = tls_.seal_fatal_alert(ciphers, bytes);
  if (sealing != Sealing::kDone) return std::nullopt;
  return Written{.done = text.size(), .has_text = !text.empty(), .is_end = end != End::kNotYet};
}

ClientConnection::Received TlsClientConnection::receive(TlsCiphers& ciphers, std::span<char> bytes,
                                                        TextReceiver* texts) {
  return of(tls_.receive(ciphers, bytes, texts));
}

ClientConnection::Received TlsClientConnection::of(TlsConnection::Received received) {
  switch (received) {
    case TlsConnection::Received::kNothing:
      return Received::kNothing;
    case TlsConnection::Received::kClosed:
      return Received::kClosed;
    case TlsConnection::Received::kMalformed:
      break;
  }
  return Received::kMalformed;
}

}  // namespace streaming
