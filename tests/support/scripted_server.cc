// SPDX-License-Identifier: Apache-2.0
#include "support/scripted_server.h"

#include <cctype>
#include <cstdio>
#include <utility>

#include "support/raw_server.h"

namespace streaming {
namespace {

std::string with_head_in_small_letters(std::string request) {
  const std::size_t end = request.find("\r\n\r\n");
  for (std::size_t i = 0; i < end; ++i) request[i] = static_cast<char>(std::tolower(request[i]));
  return request;
}

class Http1Server final : public ScriptedServer {
 public:
  Http1Server(Script script, const std::string& host)
      : script_(std::move(script)),
        host_(host),
        server_([this](int connection, std::string request) { serve(connection, std::move(request)); }, host) {}

  int port() const override { return server_.port(); }
  std::string origin() const override { return "http://" + host_ + ":" + std::to_string(port()); }
  int connections() const override { return connections_; }
  int requests() const override { return requests_; }

 private:
  struct Http1Answer final : Answer {
    Http1Answer(Http1Server& new_server, int new_connection) : server(new_server), connection(new_connection) {}
    void head(int status, const Headers& headers) override {
      std::string text = "HTTP/1.1 " + std::to_string(status) + " Some Reason\r\n";
      for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
      if (status >= 200) text += "Transfer-Encoding: chunked\r\n";
      RawServer::write(connection, text + "\r\n");
    }
    void send(std::string_view bytes) override {
      char size[32];
      std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
      RawServer::write(connection, size + std::string(bytes) + "\r\n");
    }
    void end() override { RawServer::write(connection, "0\r\n\r\n"); }
    void break_off() override { broken = true; }
    void wait_for_cancel() override {
      char byte;
      EXPECT_LE(recv(connection, &byte, 1, 0), 0);
      ++server.cancels;
      broken = true;
    }

    Http1Server& server;
    int connection;
    bool broken = false;
  };

  void serve(int connection, std::string request) {
    ++connections_;
    for (; !request.empty(); request = RawServer::read_request(connection)) {
      ++requests_;
      Http1Answer answer(*this, connection);
      script_(answer, with_head_in_small_letters(request));
      if (answer.broken) return;
    }
  }

  const Script script_;
  const std::string host_;
  std::atomic<int> connections_{0};
  std::atomic<int> requests_{0};
  RawServer server_;
};

class OverHttp2Server final : public ScriptedServer {
 public:
  OverHttp2Server(Http2Server::Options options, Script script)
      : script_(std::move(script)),
        server_(std::move(options), [this](Http2Server&, const Http2Server::Request& request) {
          Http2Answer answer(*this, request);
          std::string text;
          for (const auto& [name, value] : request.headers) text += name + ": " + value + "\r\n";
          script_(answer, text + "\r\n" + request.body);
        }) {}

  int port() const override { return server_.port(); }
  std::string origin() const override { return server_.origin(); }
  int connections() const override { return static_cast<int>(server_.connections); }
  int requests() const override { return static_cast<int>(server_.requests); }

 private:
  struct Http2Answer final : Answer {
    Http2Answer(OverHttp2Server& new_owner, const Http2Server::Request& new_request)
        : owner(new_owner), request(new_request) {}
    void head(int status, const Headers& headers) override { owner.server_.respond(request, status, headers); }
    void send(std::string_view bytes) override { owner.server_.send(request, bytes); }
    void end() override { owner.server_.end(request); }
    void break_off() override { owner.server_.reset(request, NGHTTP2_INTERNAL_ERROR); }
    void wait_for_cancel() override { look_for_cancel(owner, request); }
    static void look_for_cancel(OverHttp2Server& owner, const Http2Server::Request& request) {
      if (!owner.server_.is_open(request)) {
        ++owner.cancels;
      } else {
        owner.server_.after(std::chrono::milliseconds(1), [&owner, request] { look_for_cancel(owner, request); });
      }
    }

    OverHttp2Server& owner;
    const Http2Server::Request& request;
  };

  const Script script_;
  Http2Server server_;
};

}  // namespace

std::unique_ptr<ScriptedServer> ScriptedServer::start(HttpEngine engine, const TestCertificate& certificate,
                                                      Script script, const std::string& host) {
  if (engine == HttpEngine::kHttp1) return std::make_unique<Http1Server>(std::move(script), host);
  Http2Server::Options options;
  options.host = host;
  if (engine == HttpEngine::kHttp2OverTls) {
    options.key = certificate.key();
    options.certificate = certificate.certificate();
  }
  return std::make_unique<OverHttp2Server>(std::move(options), std::move(script));
}

}  // namespace streaming
