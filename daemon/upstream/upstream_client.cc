// SPDX-License-Identifier: Apache-2.0
#include "upstream/upstream_client.h"

#include <utility>

namespace streaming {

Status UpstreamClient::start_library() {
  if (Status started = CurlClient::start_library(); !started) return started;
  return Resolver::start_library();
}

UpstreamClient::UpstreamClient(Ring& ring, TimerWheel& timers, std::string name_servers)
    : watches_(ring),
      resolver_(watches_, timers, std::move(name_servers)),
      transport_(ring, timers, resolver_),
      curl_(timers, watches_, resolver_, proxies_),
      http1_(transport_),
      http2_(transport_, http1_) {
}

std::unique_ptr<HttpTransfer> UpstreamClient::start(HttpRequest request, HttpReceiver& receiver) {
  return engine_for(request).start(std::move(request), receiver);
}

HttpClient& UpstreamClient::engine_for(const HttpRequest& request) {
  if (!request.unix_socket.empty()) return http1_;
  const std::optional<Url> url = parse_url(request.url);
  // What is no URL, libcurl finds words for.
  if (!url || proxies_.apply_to(*url)) return curl_;
  if (request.version == HttpVersion::kHttp11) return http1_;
  const bool by_http2 = url->tls || request.version == HttpVersion::kHttp2PriorKnowledge;
  return by_http2 ? static_cast<HttpClient&>(http2_) : http1_;
}

void UpstreamClient::enter_at(CompletionTable& completions) {
  completions.enter<&SocketWatches::on_ready>(Operation::kUpstreamReady, watches_);
  transport_.enter_at(completions);
}

}  // namespace streaming
