// SPDX-License-Identifier: Apache-2.0
// HttpClient: a worker's HTTP requests to LLM APIs, each answered as a stream of bytes.
//
// One per worker, on its thread. The transfer belongs to the backend session that started it and borrows the receiver;
// destroying it, also from within a call to the receiver, cancels the request, and the receiver is not called again.
// The seam behind which the engines stand: UpstreamClient chooses between Http1Client, Http2Client and CurlClient.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_budget.h"

namespace streaming {

enum class HttpVersion : std::uint8_t {
  kHttp11,
  kNegotiated,           // HTTP/2 where an https server offers it, else HTTP/1.1
  kHttp2PriorKnowledge,  // HTTP/2 also without TLS, where nothing tells whether the server speaks it
};

struct HttpRequest {
  std::string url;                   // http or https
  std::vector<std::string> headers;  // "Name: value"
  std::string body;                  // sent as POST
  HttpVersion version = HttpVersion::kNegotiated;
  std::string unix_socket = {};  // connected to instead of the URL's host, by HTTP/1.1
  std::string ca_file = {};      // PEM; trusted instead of the system's authorities
  bool insecure_ssl = false;     // the certificate is not verified
  HeldBytes held = {};           // what the body counts for, as long as it is kept
};

// The head of an answer: what of it anybody asks for. A header that is absent is empty.
struct HttpHead {
  int status = 0;
  std::string_view content_type = {};
  std::string_view content_encoding = {};
  std::string_view retry_after = {};
  std::string_view retry_after_ms = {};
  std::string_view content_location = {};
};

class HttpReceiver {
 public:
  // The answer's final head, once, before its body; valid during the call.
  virtual void on_head(const HttpHead& head) = 0;
  // Part of the body, valid during the call.
  virtual void on_body(std::string_view bytes) = 0;
  // The last call. `error` is empty when the whole answer came; else it says what failed, for the log alone: no key.
  virtual void on_finished(std::string_view error) = 0;

 protected:
  ~HttpReceiver() = default;
};

class HttpTransfer {
 public:
  virtual ~HttpTransfer() = default;

  // After pause() no more of the body is read until resume(). Neither calls the receiver.
  virtual void pause() = 0;
  virtual void resume() = 0;

  // The answer has said all that matters: the receiver is not called again, and when the transfer is destroyed, what is
  // left is read and dropped for a moment instead of cancelled, so that the connection can be used again.
  virtual void let_finish() = 0;
};

class HttpClient {
 public:
  virtual ~HttpClient() = default;

  // Never calls the receiver from within; every failure comes by on_finished(). May be called from within a call to any
  // receiver.
  virtual std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& receiver) = 0;
};

}  // namespace streaming
