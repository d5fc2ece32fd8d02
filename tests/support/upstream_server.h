// SPDX-License-Identifier: Apache-2.0
// The OpenAI-compatible server of tests/servers/aimock as a child process; it ends with the test.

#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "support/server_process.h"
#include "support/test_certificate.h"

namespace streaming {

// The key that the tests ask it with.
inline constexpr char kKey[] = "sk-of-the-test";

class UpstreamServer {
 public:
  enum class Protocol { kHttp1, kHttp2OverTls };
  friend void PrintTo(Protocol protocol, std::ostream* out) {
    *out << (protocol == Protocol::kHttp1 ? "HTTP/1.1" : "HTTP/2 over TLS");
  }

  explicit UpstreamServer(Protocol protocol = Protocol::kHttp1) {
    std::vector<std::string> command{SOURCE_DIR "/tests/servers/aimock/start"};
    scheme_ = "http";
    if (protocol == Protocol::kHttp2OverTls) {
      certificate_.emplace();
      command.insert(command.end(), {"--http2", certificate_->key(), certificate_->certificate()});
      scheme_ = "https";
    }
    process_.start(command);
  }

  // One for all tests of this process, because its start takes a quarter of a second of CPU time.
  static const UpstreamServer& shared(Protocol protocol = Protocol::kHttp1) {
    if (protocol == Protocol::kHttp1) {
      static const UpstreamServer server(protocol);
      return server;
    }
    static const UpstreamServer server(protocol);
    return server;
  }

  void stop() { process_.stop(); }

  // Sets the faults of the next answers, by the names in its README: {"dropRate":0.5}. Over HTTP/1.1.
  void set_chaos(const std::string& faults) const {
    const std::string command =
        "curl --silent --fail --max-time 10 --output /dev/null --header 'Content-Type: application/json' --data '" +
        faults + "' " + origin() + "/__aimock/chaos";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }

  std::string origin() const { return scheme_ + "://127.0.0.1:" + std::to_string(process_.port()); }
  std::string base() const { return origin() + "/v1"; }
  bool ready() const { return process_.port() > 0; }

 private:
  std::optional<TestCertificate> certificate_;
  std::string scheme_;
  ServerProcess process_;
};

}  // namespace streaming
