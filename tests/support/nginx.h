// SPDX-License-Identifier: Apache-2.0
// Nginx: an HTTP/2 + TLS front of another server, as a child process with its own directory. It ends with the test.

#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "base/unique_fd.h"
#include "support/temporary_directory.h"
#include "support/test_certificate.h"

namespace streaming {

class Nginx {
 public:
  // `settings` of its server, as "http2_max_concurrent_streams 10;".
  Nginx(const std::string& origin, const std::string& settings = "") {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_.get(), 1024), 0);
    EXPECT_EQ(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    std::ofstream(configuration()) << configuration_text(origin, settings);
    start();
  }
  ~Nginx() { stop(); }

  // nginx inherits its listening socket (by the variable NGINX, which it uses to upgrade itself). So the kernel chooses
  // the port, and the port stays the same.
  void start() {
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    fcntl(listener_.get(), F_SETFD, 0);
    setenv("NGINX", (std::to_string(listener_.get()) + ";").c_str(), 1);
    setenv("PATH", "/usr/sbin:/usr/local/sbin:/sbin:/usr/bin:/bin", 1);
    execlp("nginx", "nginx", "-c", configuration().c_str(), "-e", directory_.file("error.log").c_str(), nullptr);
    _exit(127);
  }
  // Stops at once, which cuts its connections. The port stays, and clients that connect wait for the next start().
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // Starts new workers; the old ones end after their streams.
  void reload() const { kill(pid_, SIGHUP); }
  // From now on connections are refused.
  void close_port() { listener_.reset(); }

  std::string origin() const { return "https://127.0.0.1:" + std::to_string(port_); }
  const TestAuthority& authority() const { return authority_; }
  std::string log() const { return contents("error.log"); }

  // The log of the answered requests.
  struct Seen {
    std::size_t requests = 0;
    std::set<std::string> connections;
    std::set<std::string> protocols;
    int most_of_a_connection = 0;
  };
  Seen seen() const {
    Seen seen;
    std::istringstream lines(contents("access.log"));
    std::string connection, protocol;
    for (int number = 0; lines >> connection >> number >> protocol;) {
      ++seen.requests;
      seen.connections.insert(connection);
      seen.protocols.insert(protocol);
      seen.most_of_a_connection = std::max(seen.most_of_a_connection, number);
    }
    return seen;
  }

 private:
  std::string configuration() const { return directory_.file("nginx.conf"); }
  std::string contents(const std::string& name) const {
    std::ostringstream text;
    text << std::ifstream(directory_.file(name)).rdbuf();
    return text.str();
  }

  std::string configuration_text(const std::string& origin, const std::string& settings) const {
    std::ostringstream text;
    // Otherwise its workers could not write to the directory.
    if (geteuid() == 0) text << "user root;\n";
    text << "daemon off;\nworker_processes 1;\npid " << directory_.file("pid") << ";\nerror_log "
         << directory_.file("error.log") << " notice;\nevents { worker_connections 2048; }\nhttp {\n"
         << "log_format seen '$connection $connection_requests $server_protocol';\naccess_log "
         << directory_.file("access.log") << " seen;\n";
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      text << kind << "_temp_path " << directory_.file(kind) << ";\n";
    }
    text << "server {\nlisten 127.0.0.1:" << port_ << " ssl http2;\nssl_certificate " << authority_.certificate()
         << ";\nssl_certificate_key " << authority_.key() << ";\n"
         << settings << "\nlocation / {\nproxy_pass " << origin
         << ";\nproxy_http_version 1.1;\nproxy_set_header Connection '';\nproxy_buffering off;\n}\n}\n}\n";
    return text.str();
  }

  TemporaryDirectory directory_;
  TestAuthority authority_;
  UniqueFd listener_{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  int port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace streaming
