// SPDX-License-Identifier: Apache-2.0
// llm-server: answers every request like an LLM's API, with a number of events at a fixed pace; for bench/upstream/run.
//
//   llm-server --http1                                  HTTP/1.1, a connection a stream
//   llm-server --http2 KEY CERTIFICATE [MAX_STREAMS]    HTTP/2 over TLS
//
// with EVENTS and DELAY_MS from the environment. Prints its port, and ends with its standard input.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <queue>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/check.h"
#include "base/unique_fd.h"
#include "support/http2_server.h"

namespace streaming {
namespace {

using Clock = std::chrono::steady_clock;

int from_environment(const char* name, int otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? otherwise : std::atoi(value);
}

const int kEvents = from_environment("EVENTS", 18);
const std::chrono::milliseconds kDelay(from_environment("DELAY_MS", 300));

// The last event completes the answer.
std::string event(int number) {
  const std::string end = number + 1 == kEvents ? "data: [DONE]\n\n" : "";
  return "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1700000000,\"model\":\"bench\","
         "\"choices\":[{\"index\":0,\"delta\":{\"content\":\"event " +
         std::to_string(number) + " of the answer\"},\"finish_reason\":null}]}\n\n" + end;
}

// --- HTTP/2 ---------------------------------------------------------------------------------------------------------

void send_next(Http2Server& server, const Http2Server::Request& request, int number) {
  server.send(request, event(number));
  if (number + 1 == kEvents) return server.end(request);
  server.after(kDelay, [&server, request, number] { send_next(server, request, number + 1); });
}

int serve_http2(char** arguments, int count) {
  Http2Server server({.key = arguments[0],
                      .certificate = arguments[1],
                      .max_streams = count > 2 ? static_cast<std::uint32_t>(std::atoi(arguments[2])) : 100},
                     [](Http2Server& self, const Http2Server::Request& request) {
                       self.respond(request, 200, {{"content-type", "text/event-stream"}});
                       const Http2Server::Request name{request.connection, request.stream, {}, {}};
                       send_next(self, name, 0);
                     });
  std::printf("%d\n", server.port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
  }
  return 0;
}

// --- HTTP/1.1 -------------------------------------------------------------------------------------------------------

// One thread; each connection answers one request after another.
class Http1Server {
 public:
  Http1Server() {
    listener_.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    CHECK(bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
    CHECK(listen(listener_.get(), 4096) == 0);
    CHECK(getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
    std::printf("%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    for (const int fd : {listener_.get(), STDIN_FILENO}) watch(fd);
  }

  void serve() {
    for (;;) {
      epoll_event events[256];
      const int count = epoll_wait(poll_.get(), events, 256, ms_to_next());
      for (int i = 0; i < count; ++i) {
        if (events[i].data.fd == STDIN_FILENO) return;
        if (events[i].data.fd == listener_.get()) {
          accept_all();
        } else {
          read(events[i].data.fd);
        }
      }
      send_what_is_due();
    }
  }

 private:
  struct Due {
    Clock::time_point time;
    int fd;
    std::uint64_t connection;
    int number;
    bool operator<(const Due& other) const { return time > other.time; }
  };
  struct Connection {
    UniqueFd fd;
    std::uint64_t id;
    std::string request;
  };

  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    // The standard input may be a file, which cannot be waited for.
    epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event);
  }
  int ms_to_next() const {
    if (due_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_.top().time - Clock::now());
    return std::max(0, static_cast<int>(left.count()));
  }
  void accept_all() {
    for (;;) {
      UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
      if (!fd) return;
      const int on = 1;
      setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      watch(fd.get());
      const int number = fd.get();
      connections_[number] = Connection{std::move(fd), ++last_id_, {}};
    }
  }
  void read(int fd) {
    char bytes[4096];
    const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got <= 0) {
      if (got == 0 || errno != EAGAIN) connections_.erase(fd);
      return;
    }
    Connection& connection = connections_.at(fd);
    connection.request.append(bytes, static_cast<std::size_t>(got));
    const std::size_t head_end = connection.request.find("\r\n\r\n");
    const std::size_t length = connection.request.find("Content-Length: ");
    if (head_end == std::string::npos || length == std::string::npos) return;
    if (connection.request.size() < head_end + 4 + std::stoul(connection.request.substr(length + 16))) return;
    connection.request = {};
    write(fd, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    due_.push({Clock::now(), fd, connection.id, 0});
  }
  void send_what_is_due() {
    while (!due_.empty() && due_.top().time <= Clock::now()) {
      Due next = due_.top();
      due_.pop();
      const auto found = connections_.find(next.fd);
      if (found == connections_.end() || found->second.id != next.connection) continue;
      const std::string text = event(next.number);
      char size[16];
      std::snprintf(size, sizeof size, "%zx\r\n", text.size());
      const bool last = next.number + 1 == kEvents;
      write(next.fd, size + text + "\r\n" + (last ? "0\r\n\r\n" : ""));
      if (last) continue;
      next.time += kDelay;
      ++next.number;
      due_.push(next);
    }
  }
  static void write(int fd, const std::string& bytes) { send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  UniqueFd listener_, poll_{epoll_create1(EPOLL_CLOEXEC)};
  std::unordered_map<int, Connection> connections_;
  std::priority_queue<Due> due_;
  std::uint64_t last_id_ = 0;
};

}  // namespace
}  // namespace streaming

int main(int count, char** arguments) {
  if (count >= 4 && std::strcmp(arguments[1], "--http2") == 0) return streaming::serve_http2(arguments + 2, count - 2);
  if (count == 2 && std::strcmp(arguments[1], "--http1") == 0) {
    streaming::Http1Server().serve();
    return 0;
  }
  std::fputs("usage: llm-server --http1 | --http2 KEY CERTIFICATE [MAX_STREAMS]\n", stderr);
  return 2;
}
