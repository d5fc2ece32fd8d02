// SPDX-License-Identifier: Apache-2.0
#include "server/status_server.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <future>
#include <string_view>
#include <utility>

#include "base/unique_fd.h"
#include "server/daemon_status.h"
#include "server/limits.h"

namespace streaming {
namespace {

constexpr std::chrono::milliseconds kKnockPause{2};
constexpr int kHandled = 200;  // for civetweb: the request is answered; not the response's status
constexpr const char* kJson = "application/json";
constexpr const char* kPlain = "text/plain; charset=utf-8";

// Written at once, so that no client gets a head and waits for the rest.
int answer(mg_connection* connection, const char* status, const char* type, const std::string& body) {
  const std::string whole = std::string("HTTP/1.1 ") + status + "\r\nContent-Type: " + type +
                            "\r\nCache-Control: no-store\r\nContent-Length: " + std::to_string(body.size()) +
                            "\r\n\r\n" + body;
  mg_write(connection, whole.data(), whole.size());
  return kHandled;
}

// `facts`: lines behind the first one.
int answer(mg_connection* connection, bool good, const std::string& facts = "") {
  return answer(connection, good ? "200 OK" : "503 Service Unavailable", kPlain, (good ? "ok\n" : "no\n") + facts);
}

const DaemonStatus& status_of(void* status) {
  return *static_cast<const DaemonStatus*>(status);
}

int on_metrics(mg_connection* connection, void* status) {
  return answer(connection, "200 OK", "text/plain; version=0.0.4; charset=utf-8", status_of(status).metrics());
}

int on_healthz(mg_connection* connection, void* status) {
  const DaemonStatus& daemon = status_of(status);
  if (!daemon.alive()) return answer(connection, false);
  return answer(connection, true, "engine: " + std::string(name(daemon.engine())) + "\n");
}

int on_readyz(mg_connection* connection, void* status) {
  const DaemonStatus& daemon = status_of(status);
  const StoreConnections store = daemon.store_connections();
  if (store.workers == 0) return answer(connection, daemon.ready());
  return answer(connection, daemon.ready(),
                "store: " + std::to_string(store.connected) + " of " + std::to_string(store.workers) +
                    " workers can reach it\n");
}

// Only for this machine, because it contains ids of users and requests.
int on_streams(mg_connection* connection, void* status) {
  const std::string_view peer = mg_get_request_info(connection)->remote_addr;
  if (!peer.starts_with("127.") && peer != "::1") {
    return answer(connection, "403 Forbidden", kPlain, "only from this machine\n");
  }
  return answer(connection, "200 OK", kJson, status_of(status).streams());
}

// civetweb takes numeric addresses only.
std::string numeric(const std::string& address) {
  const std::string host = address.substr(0, address.rfind(':'));
  if (host == "localhost") return "127.0.0.1" + address.substr(host.size());
  return host.empty() ? "0.0.0.0" + address : address;
}

struct Handler {
  const char* path;
  mg_request_handler answer;
};

constexpr Handler kHandlers[] = {
    {"/metrics$", on_metrics}, {"/healthz$", on_healthz}, {"/readyz$", on_readyz}, {"/streams$", on_streams}};

}  // namespace

std::string monitoring_address(const Config& config) {
  if (config.metrics_port != 0) return "127.0.0.1:" + std::to_string(config.metrics_port);
  return config.metrics_enabled ? config.metrics_address : "";
}

class StatusServer::HttpServer {
 public:
  HttpServer(const std::string& address, const DaemonStatus& status)
      : host_(numeric(address).substr(0, numeric(address).rfind(':'))) {
    mg_init_library(0);
    mg_callbacks callbacks{};
    callbacks.log_message = [](const mg_connection* connection, const char* message) {
      auto* self = static_cast<HttpServer*>(mg_get_user_data(mg_get_context(connection)));
      if (self != nullptr && self->context_ == nullptr) self->error_ = message;
      return 1;  // civetweb does not log it
    };
    const std::string ports = numeric(address);
    const std::string threads = std::to_string(kStatusThreads);
    const std::string timeout_ms = std::to_string(kStatusRequestTimeout.count());
    const char* options[] = {"listening_ports",          ports.c_str(), "num_threads",        threads.c_str(),
                             "enable_directory_listing", "no",          "request_timeout_ms", timeout_ms.c_str(),
                             nullptr};
    context_ = mg_start(&callbacks, this, options);
    if (context_ == nullptr) return;
    for (const Handler& handler : kHandlers) {
      mg_set_request_handler(context_, handler.path, handler.answer, const_cast<DaemonStatus*>(&status));
    }
  }
  ~HttpServer() {
    if (context_ != nullptr) stop();
    mg_exit_library();
  }

  bool listens() const { return context_ != nullptr; }
  const std::string& error() const { return error_; }
  int port() const {
    mg_server_port ports[2]{};
    return mg_get_server_ports(context_, 2, ports) > 0 ? ports[0].port : 0;
  }

 private:
  // civetweb's listening thread checks every two seconds whether it must end, and at each new connection: so connect.
  // There is no close to wait for, because a connection accepted just before the end stays open: so knock again until
  // it has stopped.
  void stop() {
    const int own_port = port();
    const std::future<void> stopped = std::async(std::launch::async, [this] { mg_stop(context_); });
    do {
      knock(own_port);
    } while (stopped.wait_for(kKnockPause) != std::future_status::ready);
  }

  void knock(int own_port) const {
    const UniqueFd connection(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(own_port));
    inet_pton(AF_INET, host_.c_str(), &address.sin_addr);
    connect(connection.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }

  const std::string host_;
  mg_context* context_ = nullptr;
  std::string error_;  // the last message before it listened
};

Result<std::unique_ptr<StatusServer>> StatusServer::start(const std::string& address, const DaemonStatus& status) {
  auto http = std::make_unique<HttpServer>(address, status);
  if (!http->listens()) return Error{"cannot serve metrics on " + address + ": " + http->error()};
  return std::unique_ptr<StatusServer>(new StatusServer(std::move(http)));
}

StatusServer::StatusServer(std::unique_ptr<HttpServer> http) : http_(std::move(http)) {
}

StatusServer::~StatusServer() = default;

int StatusServer::port() const {
  return http_->port();
}

}  // namespace streaming
