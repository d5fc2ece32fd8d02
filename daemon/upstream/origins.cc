// SPDX-License-Identifier: Apache-2.0
#include "upstream/origins.h"

#include <utility>

namespace streaming {
namespace {

// Connections are shared by requests that are equal in all of this.
std::string key_of(const Url& url, const HttpRequest& request, TlsContext::Protocols protocols) {
  std::string key = url.tls ? (request.insecure_ssl ? "insecure " : "tls ") : "plain ";
  key.append(protocols == TlsContext::Protocols::kHttp ? "any " : "1.1 ");
  key.append(url.host).append(" ").append(std::to_string(url.port));
  key.append(" ").append(request.unix_socket).append(" ");
  return url.tls ? key + request.ca_file : key;
}

}  // namespace

Result<Origin*> Origins::find(const Url& url, const HttpRequest& request, TlsContext::Protocols protocols) {
  std::string key = key_of(url, request, protocols);
  if (const auto known = origins_.find(key); known != origins_.end()) return known->second.get();
  Origin origin{.host = std::string(url.host), .port = url.port, .unix_socket = request.unix_socket, .resumable = {}};
  if (!request.unix_socket.empty()) origin.name.append(" at ").append(request.unix_socket);
  if (url.tls) {
    const Result<const TlsContext*> context = tls_context_for(request, protocols);
    if (!context) return context.error();
    origin.tls = *context;
  }
  return origins_.emplace(std::move(key), std::make_unique<Origin>(std::move(origin))).first->second.get();
}

Result<const TlsContext*> Origins::tls_context_for(const HttpRequest& request, TlsContext::Protocols protocols) {
  std::unique_ptr<TlsContext>& context = tls_contexts_[{request.ca_file, request.insecure_ssl, protocols}];
  if (context != nullptr) return context.get();
  Result<std::unique_ptr<TlsContext>> made = TlsContext::create(request.ca_file, request.insecure_ssl, protocols);
  if (!made) return made.error();
  context = std::move(*made);
  return context.get();
}

}  // namespace streaming
