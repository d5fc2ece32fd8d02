// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/relay.h"

#include <apr_portable.h>
#include <apr_strings.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/relayed_answer.h"

namespace socket_handoff {
namespace {

// How often to look whether an HTTP/2 stream was cancelled, which has no descriptor to poll.
constexpr int kLookForClientMs = 200;

// Waits for the daemon, and watches the client meanwhile. Borrows both.
class DaemonWatch {
 public:
  DaemonWatch(conn_rec* c, int daemon) : c_(c) {
    polls_[0] = {.fd = daemon, .events = POLLIN, .revents = 0};
    polls_[1] = {.fd = -1, .events = POLLRDHUP, .revents = 0};
    apr_socket_t* socket = c->master ? nullptr : ap_get_conn_socket(c);
    if (socket) apr_os_sock_get(&polls_[1].fd, socket);
  }

  // False if the client has left.
  bool wait() {
    while (!c_->aborted) {
      const int ready = ::poll(polls_, 2, polls_[1].fd < 0 ? kLookForClientMs : -1);
      if (ready < 0 && errno != EINTR) return false;
      if (ready > 0 && polls_[1].revents != 0) return false;
      if (ready > 0 && polls_[0].revents != 0) return true;
    }
    return false;
  }

 private:
  conn_rec* c_;
  pollfd polls_[2];
};

// The number of bytes; 0 at the end, -1 if the connection broke off.
ssize_t receive_from(int daemon, char* buffer, std::size_t size) {
  ssize_t received;
  do {
    received = ::recv(daemon, buffer, size, 0);
  } while (received < 0 && errno == EINTR);
  return received;
}

// Fields that are added to the handler's; all others replace the handler's.
bool is_additive(const char* name) {
  return strcasecmp(name, "Set-Cookie") == 0 || strcasecmp(name, "Vary") == 0;
}

// Removes the fields that describe the handler's body and are not true of the daemon's.
void unset_body_headers(request_rec* r) {
  for (const char* name : {"Content-Length", "Content-Encoding", "Content-MD5", "Content-Range", "Accept-Ranges",
                           "ETag", "Last-Modified", "Transfer-Encoding", "Trailer", "Digest", "Expires"}) {
    apr_table_unset(r->headers_out, name);
    apr_table_unset(r->err_headers_out, name);
  }
}

void apply_head(request_rec* r, RelayedHead& head) {
  unset_body_headers(r);
  r->status = head.status();
  r->status_line = nullptr;
  apr_table_t* fields = apr_table_make(r->pool, 8);
  for (RelayedHead::Field field; head.next_field(field);) {
    const char* name = apr_pstrmemdup(r->pool, field.name.data(), field.name.size());
    const char* value = apr_pstrmemdup(r->pool, field.value.data(), field.value.size());
    if (strcasecmp(name, "Content-Type") == 0) {
      ap_set_content_type(r, value);
      continue;
    }
    if (!is_additive(name)) {
      apr_table_unset(r->headers_out, name);
      apr_table_unset(r->err_headers_out, name);
    }
    apr_table_addn(fields, name, value);
  }
  r->headers_out = apr_table_overlay(r->pool, r->headers_out, fields);
}

// What goes to the client. One brigade for all events, because a request's pool frees nothing before its end.
class ClientOutput {
 public:
  ClientOutput(request_rec* r, const ap_filter_t* filter)
      : r_(r), filter_(filter), brigade_(apr_brigade_create(r->pool, r->connection->bucket_alloc)) {}

  // Flushes each piece: it is an event that the client waits for. False if the client has left.
  bool send(const char* data, std::size_t size) {
    if (size > 0) APR_BRIGADE_INSERT_TAIL(brigade_, apr_bucket_transient_create(data, size, alloc()));
    APR_BRIGADE_INSERT_TAIL(brigade_, apr_bucket_flush_create(alloc()));
    return pass() == APR_SUCCESS && !r_->connection->aborted;
  }

  void end() {
    APR_BRIGADE_INSERT_TAIL(brigade_, apr_bucket_eos_create(alloc()));
    pass();
  }

  // mod_proxy's sign to the filters that a backend broke off: HTTP/1.1 then sends no last chunk, and HTTP/2 a reset.
  void break_off() {
    APR_BRIGADE_INSERT_TAIL(brigade_, ap_bucket_error_create(HTTP_BAD_GATEWAY, nullptr, r_->pool, alloc()));
    end();
    r_->connection->keepalive = AP_CONN_CLOSE;
  }

 private:
  apr_bucket_alloc_t* alloc() const { return r_->connection->bucket_alloc; }

  apr_status_t pass() {
    const apr_status_t status = ap_pass_brigade(filter_->next, brigade_);
    apr_brigade_cleanup(brigade_);
    return status;
  }

  request_rec* r_;
  const ap_filter_t* filter_;
  apr_bucket_brigade* brigade_;
};

int refuse_answer(request_rec* r, const char* reason) {
  ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, SHLOGNO(208) "the daemon's answer cannot be relayed: %s", reason);
  return HTTP_BAD_GATEWAY;
}

// How much of the answer has been relayed.
enum class Progress { kContinues, kIsComplete, kHasBrokenOff, kClientHasLeft };

// Decodes the answer's body as it comes, and passes it on.
class RelayedBody {
 public:
  explicit RelayedBody(ClientOutput& client) : client_(client) {}

  void begin(bool is_chunked) { is_chunked_ = is_chunked; }

  Progress pass_on(char* text, std::size_t size) {
    if (is_chunked_) size = chunks_.decode(text, size);
    if (!client_.send(text, size)) return Progress::kClientHasLeft;
    if (!is_chunked_) return Progress::kContinues;
    switch (chunks_.state()) {
      case ChunkedBody::State::kIncomplete:
        return Progress::kContinues;
      case ChunkedBody::State::kComplete:
        return Progress::kIsComplete;
      case ChunkedBody::State::kInvalid:
        break;
    }
    return Progress::kHasBrokenOff;
  }

  // When the connection has ended.
  Progress progress_at_end() const { return is_chunked_ ? Progress::kHasBrokenOff : Progress::kIsComplete; }

 private:
  ClientOutput& client_;
  bool is_chunked_ = false;
  ChunkedBody chunks_;
};

// Reads the head, and passes on what came with it of the body. OK with the progress, or the status for the client.
int relay_head(request_rec* r, DaemonWatch& watch, int daemon, char* buffer, RelayedBody& body, Progress& progress) {
  std::size_t length = 0;
  while (watch.wait()) {
    const ssize_t received = receive_from(daemon, buffer + length, kMaxRelayedHeadBytes - length);
    if (received <= 0) return refuse_answer(r, "it ended before its head did");
    length += static_cast<std::size_t>(received);
    SH_CHECK(length <= kMaxRelayedHeadBytes);
    RelayedHead head({buffer, length});
    if (head.state() == RelayedHead::State::kInvalid) return refuse_answer(r, "it has no valid HTTP/1.x head");
    if (head.state() == RelayedHead::State::kIncomplete) continue;
    SH_CHECK(head.size() <= length);
    body.begin(head.is_chunked());
    apply_head(r, head);
    progress = body.pass_on(buffer + head.size(), length - head.size());
    return OK;
  }
  progress = Progress::kClientHasLeft;
  return OK;
}

Progress relay_body(DaemonWatch& watch, int daemon, char* buffer, RelayedBody& body) {
  while (watch.wait()) {
    const ssize_t received = receive_from(daemon, buffer, kMaxRelayedHeadBytes);
    if (received <= 0) return body.progress_at_end();
    const Progress progress = body.pass_on(buffer, static_cast<std::size_t>(received));
    if (progress != Progress::kContinues) return progress;
  }
  return Progress::kClientHasLeft;
}

void finish(request_rec* r, ClientOutput& client, Progress progress) {
  SH_CHECK(progress != Progress::kContinues);
  switch (progress) {
    case Progress::kContinues:
      break;
    case Progress::kIsComplete:
      client.end();
      break;
    case Progress::kHasBrokenOff:
      ap_log_rerror(
          APLOG_MARK, APLOG_ERR, 0, r,
          SHLOGNO(209) "the daemon's answer broke off, or is framed wrongly; the client sees that it is incomplete");
      client.break_off();
      break;
    case Progress::kClientHasLeft:
      r->connection->aborted = 1;
      ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r, SHLOGNO(005) "the client left before the relayed answer ended");
      break;
  }
}

}  // namespace

int relay_answer(request_rec* r, const ap_filter_t* filter, UniqueDescriptor daemon) {
  DaemonWatch watch(r->connection, daemon.get());
  ClientOutput client(r, filter);
  RelayedBody body(client);
  char* buffer = static_cast<char*>(apr_palloc(r->pool, kMaxRelayedHeadBytes));
  Progress progress = Progress::kContinues;
  if (const int status = relay_head(r, watch, daemon.get(), buffer, body, progress); status != OK) return status;
  if (progress == Progress::kContinues) progress = relay_body(watch, daemon.get(), buffer, body);
  finish(r, client, progress);
  return OK;
}

}  // namespace socket_handoff
