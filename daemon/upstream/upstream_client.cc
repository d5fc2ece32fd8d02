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
      curl_(timers, watches_, resolver_, proxies_),
      http2_(ring, timers, resolver_, curl_) {
}

std::unique_ptr<HttpTransfer> UpstreamClient::start(HttpRequest request, HttpReceiver& receiver) {
  HttpClient& engine = by_http2(request) ? static_cast<HttpClient&>(http2_) : curl_;
  return engine.start(std::move(request), receiver);
}

bool UpstreamClient::by_http2(const HttpRequest& request) const {
  if (request.version == HttpVersion::kHttp11 || !request.unix_socket.empty()) return false;
  const std::optional<Url> url = parse_url(request.url);
  // What is no URL, libcurl finds words for.
  if (!url || proxies_.apply_to(*url)) return false;
  return url->tls || request.version == HttpVersion::kHttp2PriorKnowledge;
}

void UpstreamClient::enter_at(CompletionTable& completions) {
  completions.enter<&SocketWatches::on_ready>(Operation::kUpstreamReady, watches_);
  http2_.enter_at(completions);
}

}  // namespace streaming
