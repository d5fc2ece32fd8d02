// The OpenAI-compatible server of t/upstream as a child process; it ends with the test.

#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

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
    start(command);
  }
  ~UpstreamServer() { stop(); }

  // Waits for its end.
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  std::string base() const { return scheme_ + "://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  bool ready() const { return port_ > 0; }

 private:
  // Reads the port that the server prints when it accepts connections.
  void start(std::vector<std::string>& command) {
    int output[2];
    ASSERT_EQ(pipe(output), 0);
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(output[1], STDOUT_FILENO);
      ::close(output[0]);
      ::close(output[1]);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    ::close(output[1]);
    FILE* lines = fdopen(output[0], "r");
    EXPECT_EQ(std::fscanf(lines, "%d", &port_), 1) << "the server of t/upstream did not start";
    std::fclose(lines);
  }

  std::optional<TestCertificate> certificate_;
  std::string scheme_;
  pid_t pid_ = 0;
  int port_ = 0;
};

}  // namespace streaming
