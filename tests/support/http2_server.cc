// SPDX-License-Identifier: Apache-2.0
#include "support/http2_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace streaming {

using Clock = std::chrono::steady_clock;

struct Http2Server::Stream {
  Request request;
  std::string waiting;  // to be sent
  std::size_t taken = 0;
  bool ended = false;
};

struct Http2Server::Connection {
  ~Connection() {
    nghttp2_session_del(session);
    SSL_free(ssl);
  }

  Http2Server* server = nullptr;
  std::uint64_t id = 0;
  UniqueFd fd;
  SSL* ssl = nullptr;
  bool ready = false;  // after the TLS handshake
  bool ended = false;
  nghttp2_session* session = nullptr;
  std::map<std::int32_t, Stream> streams;
  std::string output;
};

namespace {

nghttp2_nv field(std::string_view name, std::string_view value) {
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered,
                    unsigned offered_length, void* wanted) {
  const auto& name = *static_cast<const std::string*>(wanted);
  for (unsigned at = 0; at < offered_length; at += 1u + offered[at]) {
    if (std::string_view(reinterpret_cast<const char*>(offered + at + 1), offered[at]) != name) continue;
    *chosen = offered + at + 1;
    *length = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_NOACK;
}

}  // namespace

Http2Server::Http2Server(Options options, Script script) : options_(std::move(options)), script_(std::move(script)) {
  if (!options_.key.empty()) {
    context_ = SSL_CTX_new(TLS_server_method());
    CHECK(SSL_CTX_use_certificate_chain_file(context_, options_.certificate.c_str()) == 1);
    CHECK(SSL_CTX_use_PrivateKey_file(context_, options_.key.c_str(), SSL_FILETYPE_PEM) == 1);
    SSL_CTX_set_alpn_select_cb(context_, choose_protocol, const_cast<std::string*>(&options_.protocol));
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  }
  TcpListener listener = tcp_listener(options_.host);
  listener_ = std::move(listener.socket);
  port_ = listener.port;
  CHECK(fcntl(listener_.get(), F_SETFL, O_NONBLOCK) == 0);
  poll_.reset(epoll_create1(EPOLL_CLOEXEC));
  wakeup_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  for (int fd : {listener_.get(), wakeup_.get()}) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = 0}};
    CHECK(epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd, &event) == 0);
  }
  thread_ = std::thread([this] { serve(); });
}

Http2Server::~Http2Server() {
  run([this] { over_ = true; });
  thread_.join();
  open_.clear();
  SSL_CTX_free(context_);
}

// --- What a script does ---------------------------------------------------------------------------------------------

Http2Server::Connection* Http2Server::find(std::uint64_t connection) {
  const auto found = open_.find(connection);
  return found == open_.end() ? nullptr : found->second.get();
}

Http2Server::Stream* Http2Server::find(const Request& request) {
  Connection* connection = find(request.connection);
  if (connection == nullptr) return nullptr;
  const auto found = connection->streams.find(request.stream);
  return found == connection->streams.end() ? nullptr : &found->second;
}

void Http2Server::respond(const Request& request, int status, const Headers& headers) {
  if (find(request) == nullptr) return;
  const std::string code = std::to_string(status);
  std::vector<nghttp2_nv> fields{field(":status", code)};
  for (const auto& [name, value] : headers) fields.push_back(field(name, value));
  Connection& connection = *find(request.connection);
  if (status < 200) {
    nghttp2_submit_headers(connection.session, 0, request.stream, nullptr, fields.data(), fields.size(), nullptr);
  } else {
    nghttp2_data_provider body{};
    body.read_callback = [](nghttp2_session*, std::int32_t id, std::uint8_t* room, std::size_t size,
                            std::uint32_t* flags, nghttp2_data_source*, void* user_data) -> ssize_t {
      Connection& self = *static_cast<Connection*>(user_data);
      Stream& stream = self.streams.at(id);
      const std::size_t count = std::min(size, stream.waiting.size() - stream.taken);
      if (count == 0 && !stream.ended) return NGHTTP2_ERR_DEFERRED;
      std::memcpy(room, stream.waiting.data() + stream.taken, count);
      stream.taken += count;
      self.server->sent_bytes += count;
      if (stream.taken == stream.waiting.size()) {
        stream.waiting.clear();
        stream.taken = 0;
        if (stream.ended) *flags |= NGHTTP2_DATA_FLAG_EOF;
      }
      return static_cast<ssize_t>(count);
    };
    nghttp2_submit_response(connection.session, request.stream, fields.data(), fields.size(), &body);
  }
  write(connection);
}

void Http2Server::send(const Request& request, std::string_view bytes) {
  Stream* stream = find(request);
  if (stream == nullptr) return;
  stream->waiting += bytes;
  Connection& connection = *find(request.connection);
  nghttp2_session_resume_data(connection.session, request.stream);
  write(connection);
}

void Http2Server::end(const Request& request) {
  if (Stream* stream = find(request)) stream->ended = true;
  send(request, "");
}

void Http2Server::reset(const Request& request, std::uint32_t code) {
  Connection* connection = find(request.connection);
  if (connection == nullptr) return;
  nghttp2_submit_rst_stream(connection->session, NGHTTP2_FLAG_NONE, request.stream, code);
  write(*connection);
}

void Http2Server::go_away(std::uint64_t id, std::int32_t last_stream) {
  Connection* connection = find(id);
  if (connection == nullptr) return;
  nghttp2_submit_goaway(connection->session, NGHTTP2_FLAG_NONE, last_stream, NGHTTP2_NO_ERROR, nullptr, 0);
  write(*connection);
}

void Http2Server::cut(std::uint64_t id) {
  close(id);
}

void Http2Server::after(std::chrono::milliseconds delay, std::function<void()> function) {
  timers_.emplace(Clock::now() + delay, std::move(function));
}

void Http2Server::run(std::function<void()> function) {
  const std::lock_guard lock(mutex_);
  asked_.push_back(std::move(function));
  eventfd_write(wakeup_.get(), 1);
}

// --- The loop -------------------------------------------------------------------------------------------------------

void Http2Server::serve() {
  while (!over_) {
    epoll_event events[64];
    const int count = epoll_wait(poll_.get(), events, 64, ms_to_next_timer());
    for (int i = 0; i < count; ++i) {
      if (events[i].data.u64 == 0) {
        accept_all();
      } else if (Connection* connection = find(events[i].data.u64)) {
        on_ready(*connection);
      }
    }
    run_what_is_due();
  }
}

int Http2Server::ms_to_next_timer() const {
  if (timers_.empty()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(timers_.begin()->first - Clock::now());
  return std::max(0, static_cast<int>(left.count()));
}

void Http2Server::run_what_is_due() {
  while (!timers_.empty() && timers_.begin()->first <= Clock::now()) {
    const auto function = std::move(timers_.extract(timers_.begin()).mapped());
    function();
  }
  eventfd_t ignored = 0;
  eventfd_read(wakeup_.get(), &ignored);
  std::vector<std::function<void()>> asked;
  {
    const std::lock_guard lock(mutex_);
    asked.swap(asked_);
  }
  for (const auto& function : asked) function();
  // Destroys connections that were closed within their own callbacks.
  std::erase_if(open_, [this](const auto& entry) {
    if (!entry.second->ended) return false;
    ++closed_connections;
    return true;
  });
}

void Http2Server::accept_all() {
  for (;;) {
    UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) return;
    const int on = 1;
    setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    auto connection = std::make_unique<Connection>();
    connection->server = this;
    connection->id = ++connections;
    if (context_ != nullptr) {
      connection->ssl = SSL_new(context_);
      SSL_set_fd(connection->ssl, fd.get());
      SSL_set_accept_state(connection->ssl);
    }
    nghttp2_session_server_new(&connection->session, callbacks(), connection.get());
    const nghttp2_settings_entry limit{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.max_streams};
    nghttp2_submit_settings(connection->session, NGHTTP2_FLAG_NONE, &limit, 1);
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.u64 = connection->id}};
    CHECK(epoll_ctl(poll_.get(), EPOLL_CTL_ADD, fd.get(), &event) == 0);
    connection->fd = std::move(fd);
    open_.emplace(connection->id, std::move(connection));
  }
}

void Http2Server::on_ready(Connection& connection) {
  if (connection.ended || !answers_pings) return;
  if (connection.ssl != nullptr && !connection.ready) {
    ERR_clear_error();
    const int result = SSL_do_handshake(connection.ssl);
    if (result != 1) {
      const int error = SSL_get_error(connection.ssl, result);
      if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) close(connection.id);
      return;
    }
    if (SSL_session_reused(connection.ssl) == 1) ++resumed_connections;
  }
  connection.ready = true;
  read(connection);
  if (!connection.ended) write(connection);
}

void Http2Server::read(Connection& connection) {
  char bytes[16 * 1024];
  while (!connection.ended) {
    ERR_clear_error();
    const ssize_t got = connection.ssl != nullptr ? SSL_read(connection.ssl, bytes, sizeof bytes)
                                                  : recv(connection.fd.get(), bytes, sizeof bytes, 0);
    if (got <= 0) {
      const bool later = connection.ssl != nullptr
                             ? SSL_get_error(connection.ssl, static_cast<int>(got)) == SSL_ERROR_WANT_READ
                             : got < 0 && errno == EAGAIN;
      if (!later) close(connection.id);
      return;
    }
    const auto* start = reinterpret_cast<const std::uint8_t*>(bytes);
    if (nghttp2_session_mem_recv(connection.session, start, static_cast<std::size_t>(got)) < 0) close(connection.id);
  }
}

void Http2Server::write(Connection& connection) {
  if (connection.ended || (connection.ssl != nullptr && !connection.ready)) return;
  for (;;) {
    const std::uint8_t* frame = nullptr;
    while (connection.output.size() < 16 * 1024) {
      const ssize_t length = nghttp2_session_mem_send(connection.session, &frame);
      if (length <= 0) break;
      connection.output.append(reinterpret_cast<const char*>(frame), static_cast<std::size_t>(length));
    }
    if (connection.output.empty()) break;
    ERR_clear_error();
    const auto size = static_cast<int>(connection.output.size());
    const ssize_t sent = connection.ssl != nullptr ? SSL_write(connection.ssl, connection.output.data(), size)
                                                   : ::send(connection.fd.get(), connection.output.data(),
                                                            connection.output.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;  // it continues when there is room
    connection.output.erase(0, static_cast<std::size_t>(sent));
  }
  const bool over =
      nghttp2_session_want_read(connection.session) == 0 && nghttp2_session_want_write(connection.session) == 0;
  if (over) close(connection.id);
}

void Http2Server::close(std::uint64_t id) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->ended) return;
  connection->ended = true;
  shutdown(connection->fd.get(), SHUT_RDWR);
}

// --- nghttp2 --------------------------------------------------------------------------------------------------------

nghttp2_session_callbacks* Http2Server::callbacks() {
  static nghttp2_session_callbacks* const shared = [] {
    nghttp2_session_callbacks* made = nullptr;
    CHECK(nghttp2_session_callbacks_new(&made) == 0);
    nghttp2_session_callbacks_set_on_header_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_length,
                 const std::uint8_t* value, std::size_t value_length, std::uint8_t, void* user_data) {
          Request& request = static_cast<Connection*>(user_data)->streams[frame->hd.stream_id].request;
          request.headers.emplace(std::string(reinterpret_cast<const char*>(name), name_length),
                                  std::string(reinterpret_cast<const char*>(value), value_length));
          return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        made, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes, std::size_t length,
                 void* user_data) {
          static_cast<Connection*>(user_data)->streams[id].request.body.append(reinterpret_cast<const char*>(bytes),
                                                                               length);
          return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        made, [](nghttp2_session*, const nghttp2_frame* frame, void* user_data) {
          auto& self = *static_cast<Connection*>(user_data);
          Http2Server& server = *self.server;
          if (frame->hd.type == NGHTTP2_PING) ++server.pings;
          const bool part_of_request = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
          if (!part_of_request || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
          ++server.requests;
          server.most_streams = std::max(server.most_streams.load(), static_cast<std::uint32_t>(self.streams.size()));
          Request request = std::move(self.streams[frame->hd.stream_id].request);
          request.connection = self.id;
          request.stream = frame->hd.stream_id;
          // Not within nghttp2's callback, because nghttp2 is still processing its input.
          server.timers_.emplace(Clock::now(), [&server, request] { server.script_(server, request); });
          return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        made, [](nghttp2_session*, std::int32_t id, std::uint32_t, void* user_data) {
          static_cast<Connection*>(user_data)->streams.erase(id);
          return 0;
        });
    return made;
  }();
  return shared;
}

}  // namespace streaming
