// SPDX-License-Identifier: Apache-2.0
// tls-records: the CPU that the records of TLS clients, and their frames over HTTP/2, cost the daemon, without sockets.
// The median of many rounds.

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "client/client_connection.h"
#include "protocol/tls_key_schedule.h"
#include "tls/tls_ciphers.h"
#include "tls/tls_connection.h"

namespace {

using handoff_protocol::Aead;
using handoff_protocol::ConnectionState;
using handoff_protocol::Http2State;
using handoff_protocol::TlsDirection;
using handoff_protocol::TlsState;
using handoff_protocol::TlsVersion;
using streaming::Buffer;
using streaming::ClientConnection;
using streaming::TlsCiphers;
using streaming::TlsConnection;

constexpr int kRounds = 101;
constexpr int kOperations = 1000;  // of a round
constexpr int kConnections = 100;  // take turns, so that no key is used twice in a row

double cpu_ns() {
  timespec now;
  CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// Nanoseconds of one operation.
template <typename Operation>
double cost(Operation operation) {
  std::vector<double> rounds;
  for (int round = 0; round < kRounds; ++round) {
    const double begin = cpu_ns();
    for (int i = 0; i < kOperations; ++i) operation(i);
    rounds.push_back((cpu_ns() - begin) / kOperations);
  }
  std::nth_element(rounds.begin(), rounds.begin() + kRounds / 2, rounds.end());
  return rounds[kRounds / 2];
}

double cost_of_sealing(const TlsState& state, std::size_t bytes) {
  TlsCiphers ciphers;
  std::vector<std::unique_ptr<TlsConnection>> connections;
  for (int i = 0; i < kConnections; ++i) connections.push_back(std::make_unique<TlsConnection>(state));
  const std::string text(bytes, 'x');
  return cost([&](int i) {
    Buffer records;
    CHECK(connections[i % kConnections]->seal(ciphers, text, records) == TlsConnection::Sealing::kDone);
  });
}

// The smallest records, of one byte.
double cost_of_opening(const TlsState& state) {
  TlsState client = state;
  std::swap(client.from_client, client.to_client);
  TlsCiphers ciphers;
  TlsConnection writer(client), reader(state);
  return cost([&](int) {
    Buffer records;
    CHECK(writer.seal(ciphers, "x", records) == TlsConnection::Sealing::kDone);
    CHECK(reader.receive(ciphers, {records.begin(), records.size()}) == TlsConnection::Received::kNothing);
  });
}

double cost_of_key_update(Aead aead) {
  TlsDirection direction;
  return cost([&](int) { CHECK(handoff_protocol::update_traffic_keys(aead, direction)); });
}

// An event of a stream whose head has gone.
double cost_of_event(const ConnectionState& state) {
  TlsCiphers ciphers;
  const auto write = [&ciphers](ClientConnection& connection, const std::string& text) {
    Buffer bytes;
    const auto written = connection.write(ciphers, text, ClientConnection::End::kNotYet, bytes);
    CHECK(written && written->done == text.size());
  };
  std::vector<std::unique_ptr<ClientConnection>> connections;
  for (int i = 0; i < kConnections; ++i) {
    connections.push_back(ClientConnection::make(state));
    write(*connections.back(), "HTTP/1.1 200 OK\r\n\r\n");
  }
  const std::string event(60, 'x');
  return cost([&](int i) { write(*connections[i % kConnections], event); });
}

struct NamedAead {
  const char* name;
  Aead aead;
};

}  // namespace

int main() {
  constexpr NamedAead kAeads[] = {{"AES-128-GCM", Aead::kAes128Gcm},
                                  {"AES-256-GCM", Aead::kAes256Gcm},
                                  {"ChaCha20-Poly1305", Aead::kChaCha20Poly1305}};
  std::printf("a TLS connection that waits: %zu bytes\n", sizeof(TlsConnection));
  std::printf("%-8s %-18s %12s %12s %14s %12s\n", "ns", "", "seal 60 B", "seal 16 KiB", "seal+open 1 B", "next keys");
  for (const TlsVersion version : {TlsVersion::k13, TlsVersion::k12}) {
    for (const auto& [name, aead] : kAeads) {
      TlsState state;
      state.version = version;
      state.aead = aead;
      std::printf("%-8s %-18s %12.0f %12.0f %14.0f", version == TlsVersion::k13 ? "TLS 1.3" : "TLS 1.2", name,
                  cost_of_sealing(state, 60), cost_of_sealing(state, 16 * 1024), cost_of_opening(state));
      if (version == TlsVersion::k13) std::printf(" %12.0f", cost_of_key_update(aead));
      std::printf("\n");
    }
  }
  const Http2State http2{.stream = 1,
                         .highest_stream = 1,
                         .connection_window = INT32_MAX,
                         .stream_window = INT32_MAX,
                         .initial_window = INT32_MAX,
                         .max_frame_bytes = 1 << 14};
  const TlsState tls;
  std::printf("an event of 60 bytes: %.0f ns over HTTP/2, %.0f over TLS, %.0f over both\n", cost_of_event({.http2 = http2}),
              cost_of_event({.tls = tls}), cost_of_event({.tls = tls, .http2 = http2}));
}
