// SPDX-License-Identifier: Apache-2.0
#include "upstream/http2_client.h"

#include <optional>
#include <utility>

#include "upstream/url.h"

namespace streaming {

Http2Client::Http2Client(HttpTransport& transport, Http1Client& http1)
    : http1_(http1),
      environment_{.transport = transport, .connections = connections_},
      connections_(kUnlimited) {  // the pools bound it
}

Http2Client::~Http2Client() = default;

std::unique_ptr<HttpTransfer> Http2Client::start(HttpRequest request, HttpReceiver& receiver) {
  ConnectionPool* pool = pool_for(request);
  // The other engine fails for the same reason, and reports it.
  if (pool == nullptr) return http1_.start(std::move(request), receiver);
  return pool->start(std::move(request), receiver);
}

ConnectionPool* Http2Client::pool_for(const HttpRequest& request) {
  const std::optional<Url> url = parse_url(request.url);
  CHECK(url);
  const Result<Origin*> origin = environment_.transport.origins.find(*url, request, TlsContext::Protocols::kHttp);
  if (!origin) return nullptr;
  std::unique_ptr<ConnectionPool>& pool = pools_[*origin];
  if (pool == nullptr) pool = std::make_unique<ConnectionPool>(**origin, environment_, http1_);
  return pool.get();
}

}  // namespace streaming
