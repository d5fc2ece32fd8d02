// SPDX-License-Identifier: Apache-2.0
#include "client/client_connection.h"

#include <string>
#include <utility>

#include "client/http2_client_connection.h"
#include "client/tls_client_connection.h"
#include "tls/tls_ciphers.h"

namespace streaming {

std::unique_ptr<ClientConnection> ClientConnection::make(const handoff_protocol::ConnectionState& state) {
  std::unique_ptr<TlsClientConnection> tls;
  if (state.tls) tls = std::make_unique<TlsClientConnection>(*state.tls);
  std::unique_ptr<ClientConnection> connection;
  if (state.http2) {
    connection = std::make_unique<Http2ClientConnection>(*state.http2, state.frames, std::move(tls));
  } else {
    connection = std::move(tls);
  }
  if (!state.records.empty()) {
    TlsCiphers ciphers;  // records that Apache has not opened are rare
    std::string records(state.records.begin(), state.records.end());
    connection->receive(ciphers, records);
  }
  return connection;
}

}  // namespace streaming
