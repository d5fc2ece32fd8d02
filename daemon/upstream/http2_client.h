// SPDX-License-Identifier: Apache-2.0
// Http2Client: the HttpClient for HTTP/2, over TLS where ALPN agrees on it, or without TLS where it is asked for.
//
// One per worker, on its thread; nghttp2 and OpenSSL over memory, the sockets on the worker's ring. All transfers must
// be gone before the client is.

#pragma once

#include <map>
#include <memory>

#include "base/slab.h"
#include "upstream/connection_pool.h"
#include "upstream/http1_client.h"
#include "upstream/http2_connection.h"
#include "upstream/http_client.h"
#include "upstream/http_transport.h"

namespace streaming {

class Http2Client final : public HttpClient {
 public:
  // Borrows both; `http1` takes the requests to origins that speak nothing else.
  Http2Client(HttpTransport& transport, Http1Client& http1);
  ~Http2Client() override;

  // The URL is one that parse_url() takes.
  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver) override;

  // Those that are closing among them.
  std::uint32_t connections() const { return connections_.size(); }

 private:
  // Null if there are no certificates to trust.
  ConnectionPool* pool_for(const HttpRequest& request);

  Http1Client& http1_;
  ConnectionEnvironment environment_;
  std::map<const Origin*, std::unique_ptr<ConnectionPool>> pools_;
  Slab<Http2Connection> connections_;  // destroyed before what they use
};

}  // namespace streaming
