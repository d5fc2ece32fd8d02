// SPDX-License-Identifier: Apache-2.0
// Http1Client: the HttpClient for HTTP/1.1: with TLS or without, over TCP or a Unix socket.
//
// One per worker, on its thread; Boost.Beast reads the answers, the sockets are on the worker's ring. All transfers must be
// gone before the client is.

#pragma once

#include <map>
#include <memory>

#include "base/result.h"
#include "base/slab.h"
#include "upstream/http1_connection.h"
#include "upstream/http1_pool.h"
#include "upstream/http_client.h"
#include "upstream/http_transport.h"

namespace streaming {

class Http1Client final : public HttpClient {
 public:
  // Borrows it.
  explicit Http1Client(HttpTransport& transport);
  ~Http1Client() override;

  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver) override;

  // Where requests that are equal to this one find their connections. An Error if it leads nowhere.
  Result<Http1Pool*> pool_for(const HttpRequest& request);

  // Whether answers are still read that nobody waits for.
  bool finishing() const { return environment_.finishing > 0; }
  // Those that are closing among them.
  std::uint32_t connections() const { return connections_.size(); }

 private:
  Http1Environment environment_;
  std::map<const Origin*, std::unique_ptr<Http1Pool>> pools_;
  Slab<Http1Connection> connections_;  // destroyed before what they use
};

}  // namespace streaming
