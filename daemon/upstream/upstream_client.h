// SPDX-License-Identifier: Apache-2.0
// UpstreamClient: a worker's HttpClient: chooses the engine for each request.
//
// HTTP/2 for https servers that offer it, and for http servers where it is asked for; libcurl for all the rest, Unix
// sockets and proxies among it. One per worker, on its thread.

#pragma once

#include <string>

#include "upstream/curl_client.h"
#include "upstream/http2_client.h"
#include "upstream/proxy_rules.h"
#include "upstream/resolver.h"
#include "upstream/socket_watches.h"

namespace streaming {

class UpstreamClient final : public HttpClient {
 public:
  // Once per process, before the first thread.
  static Status start_library();

  // Borrows both. All transfers must be gone before the client is. Names are asked of `name_servers`, as Resolver has
  // them.
  UpstreamClient(Ring& ring, TimerWheel& timers, std::string name_servers = {});

  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver) override;

  // Completions of both engines' operations go to them.
  void enter_at(CompletionTable& completions);

  // For other connections of the worker.
  Resolver& resolver() { return resolver_; }
  ByteStreamEnvironment& byte_streams() { return http2_.byte_streams(); }

  // Whether answers are still read that nobody waits for, by HTTP/1.1.
  bool finishing() const { return curl_.finishing(); }
  std::uint32_t http2_connections() const { return http2_.connections(); }

 private:
  bool by_http2(const HttpRequest& request) const;

  const ProxyRules proxies_ = ProxyRules::from_environment();
  SocketWatches watches_;
  Resolver resolver_;
  CurlClient curl_;
  Http2Client http2_;
};

}  // namespace streaming
