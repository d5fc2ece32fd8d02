// SPDX-License-Identifier: Apache-2.0
// UpstreamClient: a worker's HttpClient: chooses the engine for each request.
//
// HTTP/2 for https servers that offer it, and for http servers where it is asked for; HTTP/1.1 for all others, and for Unix
// sockets. libcurl only for what goes through a proxy, and for URLs that the others do not take: those with a user's name,
// and those that are wrong. One per worker, on its thread.

#pragma once

#include <string>

#include "upstream/curl_client.h"
#include "upstream/http1_client.h"
#include "upstream/http2_client.h"
#include "upstream/http_transport.h"
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

  // Completions of the engines' operations go to them.
  void enter_at(CompletionTable& completions);

  // For other connections of the worker.
  Resolver& resolver() { return resolver_; }
  ByteStreamEnvironment& byte_streams() { return transport_.byte_streams; }

  // Whether answers are still read that nobody waits for, by HTTP/1.1.
  bool finishing() const { return http1_.finishing() || curl_.finishing(); }
  std::uint32_t http1_connections() const { return http1_.connections(); }
  std::uint32_t http2_connections() const { return http2_.connections(); }

 private:
  HttpClient& engine_for(const HttpRequest& request);

  const ProxyRules proxies_ = ProxyRules::from_environment();
  SocketWatches watches_;
  Resolver resolver_;
  HttpTransport transport_;
  CurlClient curl_;
  Http1Client http1_;
  Http2Client http2_;
};

}  // namespace streaming
