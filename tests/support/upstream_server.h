// The OpenAI-compatible server of t/upstream as a child process; it ends with the test.

#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "support/server_process.h"
#include "support/test_certificate.h"

namespace streaming {

class UpstreamServer {
 public:
  enum class Protocol { kHttp1, kHttp2OverTls };
  friend void PrintTo(Protocol protocol, std::ostream* out) {
    *out << (protocol == Protocol::kHttp1 ? "HTTP/1.1" : "HTTP/2 over TLS");
  }

  explicit UpstreamServer(Protocol protocol = Protocol::kHttp1) {
    std::vector<std::string> command{SOURCE_DIR "/t/upstream/start"};
    scheme_ = "http";
    if (protocol == Protocol::kHttp2OverTls) {
      certificate_.emplace();
      command.insert(command.end(), {"--http2", certificate_->key(), certificate_->certificate()});
      scheme_ = "https";
    }
    process_.start(command);
  }

  void stop() { process_.stop(); }

  std::string origin() const { return scheme_ + "://127.0.0.1:" + std::to_string(process_.port()); }
  std::string base() const { return origin() + "/v1"; }
  bool ready() const { return process_.port() > 0; }

 private:
  std::optional<TestCertificate> certificate_;
  std::string scheme_;
  ServerProcess process_;
};

}  // namespace streaming
