// SPDX-License-Identifier: Apache-2.0
#include "upstream/http1_client.h"

#include <optional>
#include <utility>

#include "base/log.h"
#include "upstream/url.h"

namespace streaming {

Http1Client::Http1Client(HttpTransport& transport)
    : environment_{.transport = transport, .connections = connections_},
      connections_(kUnlimited) {  // a connection for each transfer, and the pools' idle ones
}

Http1Client::~Http1Client() = default;

std::unique_ptr<HttpTransfer> Http1Client::start(HttpRequest request, HttpReceiver& receiver) {
  const Result<Http1Pool*> pool = pool_for(request);
  if (pool) return (*pool)->start(std::move(request), receiver);
  log::error("{}", pool.error().message);
  auto transfer = std::make_unique<Http1Transfer>(std::move(request), receiver, environment_.transport.timers);
  transfer->fail_soon(pool.error().message);
  return transfer;
}

Result<Http1Pool*> Http1Client::pool_for(const HttpRequest& request) {
  const std::optional<Url> url = parse_url(request.url);
  if (!url) return Error{"the upstream's URL is none: it must be http://HOST:PORT/PATH or https://HOST/PATH"};
  Result<Origin*> origin = environment_.transport.origins.find(*url, request, TlsContext::Protocols::kHttp11);
  if (!origin) return origin.error();
  std::unique_ptr<Http1Pool>& pool = pools_[*origin];
  if (pool == nullptr) pool = std::make_unique<Http1Pool>(**origin, environment_);
  return pool.get();
}

}  // namespace streaming
