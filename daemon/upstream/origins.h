// SPDX-License-Identifier: Apache-2.0
// Origins: where a worker's requests lead, for both HTTP engines: each origin once, with whom its connections trust.
//
// A member of the worker's HttpTransport, on its thread. An origin stays as long as the worker: configuration names them.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <tuple>

#include "base/result.h"
#include "upstream/http_client.h"
#include "upstream/origin.h"
#include "upstream/tls_context.h"
#include "upstream/url.h"

namespace streaming {

class Origins {
 public:
  // The one that the request, whose URL is `url`, leads to; the same one for requests that may share connections.
  // `protocols` are offered to it. An Error if there are no certificates to trust.
  Result<Origin*> find(const Url& url, const HttpRequest& request, TlsContext::Protocols protocols);

 private:
  Result<const TlsContext*> tls_context_for(const HttpRequest& request, TlsContext::Protocols protocols);

  std::map<std::tuple<std::string, bool, TlsContext::Protocols>, std::unique_ptr<TlsContext>> tls_contexts_;
  std::map<std::string, std::unique_ptr<Origin>> origins_;
};

}  // namespace streaming
