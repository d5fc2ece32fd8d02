// SPDX-License-Identifier: Apache-2.0
// Http2Client: the HttpClient for HTTP/2, over TLS where ALPN agrees on it, or without TLS where it is asked for.
//
// One per worker, on its thread; nghttp2 and OpenSSL over memory, the sockets on the worker's ring. All transfers must
// be gone before the client is.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/slab.h"
#include "ring/completion_table.h"
#include "upstream/connection_pool.h"
#include "upstream/http2_connection.h"
#include "upstream/http_client.h"
#include "upstream/resolver.h"
#include "upstream/tls_context.h"

namespace streaming {

class Http2Client final : public HttpClient {
 public:
  // Borrows all; `http1` takes the requests to origins that speak nothing else.
  Http2Client(Ring& ring, TimerWheel& timers, Resolver& resolver, HttpClient& http1);
  ~Http2Client() override;

  // The URL is one that parse_url() takes.
  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver) override;

  // Completions of connections' operations go to them.
  void enter_at(CompletionTable& completions);

  ByteStreamEnvironment& byte_streams() { return environment_.byte_streams; }

  // Those that are closing among them.
  std::uint32_t connections() const { return connections_.size(); }

 private:
  ConnectionPool* pool_for(const HttpRequest& request);
  const TlsContext* tls_context_for(const HttpRequest& request);

  HttpClient& http1_;
  Resolver& resolver_;
  ConnectAttempts connects_;
  ConnectionEnvironment environment_;
  std::map<std::pair<std::string, bool>, std::unique_ptr<TlsContext>> tls_contexts_;  // by ca_file, insecure_ssl
  std::map<std::string, std::unique_ptr<ConnectionPool>> pools_;
  Slab<Http2Connection> connections_;  // destroyed before what they use
};

}  // namespace streaming
