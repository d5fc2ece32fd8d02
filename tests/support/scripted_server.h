// SPDX-License-Identifier: Apache-2.0
// ScriptedServer: a server whose answers the test's script gives, over HTTP/1.1 or HTTP/2.

#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "support/http2_server.h"
#include "support/test_certificate.h"

namespace streaming {

enum class HttpEngine { kHttp1, kHttp2, kHttp2OverTls };

inline std::string engine_name(const testing::TestParamInfo<HttpEngine>& info) {
  constexpr const char* kNames[] = {"Http1", "Http2", "Http2OverTls"};
  return kNames[static_cast<int>(info.param)];
}

class ScriptedServer {
 public:
  // The answer to one request. On a thread of the server.
  class Answer {
   public:
    using Headers = Http2Server::Headers;

    virtual ~Answer() = default;
    virtual void head(int status, const Headers& headers = {}) = 0;
    virtual void send(std::string_view bytes) = 0;
    virtual void end() = 0;
    virtual void break_off() = 0;
    // Waits until the client has cancelled the request.
    virtual void wait_for_cancel() = 0;
  };
  // Gets the request as lines "name: value" in lower case, then an empty line and the body. If the script returns
  // without ending the answer, the answer stays open for ever, or over HTTP/1.1 until the next request.
  using Script = std::function<void(Answer&, const std::string& request)>;

  // The certificate is for kHttp2OverTls and must outlive the server. The host is an address of this machine.
  static std::unique_ptr<ScriptedServer> start(HttpEngine engine, const TestCertificate& certificate, Script script,
                                               const std::string& host = kLoopback);
  virtual ~ScriptedServer() = default;

  virtual int port() const = 0;
  virtual std::string origin() const = 0;
  virtual int connections() const = 0;
  virtual int requests() const = 0;
  std::string url() const { return origin() + "/v1?a=b"; }

  std::atomic<int> cancels{0};  // cancelled requests that wait_for_cancel() has seen
};

}  // namespace streaming
