// SPDX-License-Identifier: Apache-2.0
#include "upstream/http2_client.h"

#include "base/log.h"
#include "upstream/limits.h"
#include "upstream/url.h"

namespace streaming {
namespace {

// Connections are shared by requests that are equal in all of this.
std::string pool_key(const Url& url, const HttpRequest& request) {
  std::string key = url.tls ? (request.insecure_ssl ? "insecure " : "tls ") : "plain ";
  key.append(url.host).append(" ").append(std::to_string(url.port)).append(" ");
  return url.tls ? key + request.ca_file : key;
}

}  // namespace

Http2Client::Http2Client(Ring& ring, TimerWheel& timers, Resolver& resolver, HttpClient& http1)
    : http1_(http1),
      resolver_(resolver),
      connects_(ring, timers),
      environment_{.byte_streams = {.ring = ring, .connects = connects_, .plaintext = std::vector<char>(kTlsRecordBytes)},
                   .timers = timers,
                   .connections = connections_},
      connections_(kUnlimited) {  // the pools bound it
}

Http2Client::~Http2Client() = default;

std::unique_ptr<HttpTransfer> Http2Client::start(HttpRequest request, HttpReceiver& receiver) {
  ConnectionPool* pool = pool_for(request);
  // Without certificates to trust there is nobody to connect to; the other engine says so to the receiver.
  if (pool == nullptr) return http1_.start(std::move(request), receiver);
  return pool->start(std::move(request), receiver);
}

ConnectionPool* Http2Client::pool_for(const HttpRequest& request) {
  const std::optional<Url> url = parse_url(request.url);
  CHECK(url);
  std::unique_ptr<ConnectionPool>& pool = pools_[pool_key(*url, request)];
  if (pool != nullptr) return pool.get();
  Origin origin{.host = std::string(url->host), .port = url->port, .tls = nullptr, .resumable = nullptr, .name = "the upstream"};
  if (url->tls) {
    origin.tls = tls_context_for(request);
    if (origin.tls == nullptr) return nullptr;
  }
  pool = std::make_unique<ConnectionPool>(std::move(origin), environment_, resolver_, http1_);
  return pool.get();
}

const TlsContext* Http2Client::tls_context_for(const HttpRequest& request) {
  std::unique_ptr<TlsContext>& context = tls_contexts_[{request.ca_file, request.insecure_ssl}];
  if (context != nullptr) return context.get();
  Result<std::unique_ptr<TlsContext>> made =
      TlsContext::create(request.ca_file, request.insecure_ssl, TlsContext::Protocols::kHttp);
  if (!made) {
    log::error("{}", made.error().message);
    return nullptr;
  }
  context = std::move(*made);
  return context.get();
}

void Http2Client::enter_at(CompletionTable& completions) {
  completions.enter<&ConnectAttempts::on_connected>(Operation::kUpstreamConnect, connects_);
  completions.enter_slots<&Http2Connection::on_received>(Operation::kUpstreamReceive, connections_);
  completions.enter_slots<&Http2Connection::on_sent>(Operation::kUpstreamSend, connections_);
  completions.enter_slots<&Http2Connection::on_writable>(Operation::kUpstreamWritable, connections_);
}

}  // namespace streaming
