// SPDX-License-Identifier: Apache-2.0
// Http2Peer: an HTTP/2 client of nghttp2 that has opened a connection to Apache and sent one request, which is handed
// over. In memory: what one side sends is a string, and goes to the other by a call. One thread.

#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "protocol/connection_part.h"
#include "protocol/http2_frames.h"

namespace streaming {

struct Http2Setup {
  std::uint32_t initial_window = handoff_protocol::kDefaultHttp2Window;
  std::int32_t connection_window = handoff_protocol::kDefaultHttp2Window;  // no smaller one is possible
  bool updates_windows = true;  // by itself, when it has read half of a window
};

class Http2Peer {
 public:
  explicit Http2Peer(const Http2Setup& setup = {}) : setup_(setup) {
    nghttp2_session_callbacks* callbacks = nullptr;
    CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    nghttp2_option* option = nullptr;
    CHECK(nghttp2_option_new(&option) == 0);
    nghttp2_option_set_no_auto_window_update(option, setup.updates_windows ? 0 : 1);
    nghttp2_session* session = nullptr;
    CHECK(nghttp2_session_client_new2(&session, callbacks, this, option) == 0);
    session_.reset(session);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry initial{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, setup.initial_window};
    CHECK(nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &initial, 1) == 0);
    CHECK(nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, setup.connection_window) == 0);
    stream_ = request();
    write();
    // Apache's SETTINGS, and its acknowledgement of the client's.
    read(std::string_view("\0\0\0\4\0\0\0\0\0" "\0\0\0\4\1\0\0\0\0", 18));
    write();
  }

  Http2Peer(const Http2Peer&) = delete;
  Http2Peer& operator=(const Http2Peer&) = delete;

  // The server's side, as mod_socket_handoff hands it over.
  handoff_protocol::Http2State server_state() const {
    return {.stream = static_cast<std::uint32_t>(stream_),
            .highest_stream = static_cast<std::uint32_t>(stream_),
            .connection_window = setup_.connection_window,
            .stream_window = static_cast<std::int32_t>(setup_.initial_window),
            .initial_window = static_cast<std::int32_t>(setup_.initial_window),
            .max_frame_bytes = handoff_protocol::kMinMaxFrameBytes};
  }
  std::int32_t stream() const { return stream_; }

  // The client reads any part of what the other side sends.
  void read(std::string_view frames) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(frames.data());
    const auto taken = nghttp2_session_mem_recv(session_.get(), bytes, frames.size());
    if (taken < 0) error_ = nghttp2_strerror(static_cast<int>(taken));
  }
  // What it has to send.
  std::string write() {
    std::string all;
    const std::uint8_t* bytes = nullptr;
    for (ssize_t size = 0; (size = nghttp2_session_mem_send(session_.get(), &bytes)) > 0;) {
      all.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    }
    return all;
  }

  // Opens a stream; write() has its frames.
  std::int32_t request() {
    const auto field = [](std::string_view name, std::string_view value) {
      return nghttp2_nv{reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
                        reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
                        NGHTTP2_NV_FLAG_NONE};
    };
    const nghttp2_nv head[] = {field(":method", "GET"), field(":scheme", "https"), field(":path", "/chat"),
                               field(":authority", "example.org"), field("cookie", "session=1")};
    return nghttp2_submit_request(session_.get(), nullptr, head, std::size(head), nullptr, nullptr);
  }
  void cancel(std::uint32_t code = NGHTTP2_CANCEL) {
    CHECK(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream_, code) == 0);
  }
  void ping() { CHECK(nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, nullptr) == 0); }
  void go_away(std::uint32_t code) {
    goes_away_ = true;
    CHECK(nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, 0, code, nullptr, 0) == 0);
  }
  void set_initial_window(std::uint32_t bytes) {
    const nghttp2_settings_entry entry{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, bytes};
    CHECK(nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, &entry, 1) == 0);
  }
  // Both windows grow by as much.
  void open_windows(std::int32_t bytes) {
    for (const std::int32_t stream : {0, stream_}) {
      CHECK(nghttp2_submit_window_update(session_.get(), NGHTTP2_FLAG_NONE, stream, bytes) == 0);
    }
  }

  // Of the answer.
  const std::string& body() const { return body_; }
  std::string header(const std::string& name) const {
    const auto found = head_.find(name);
    return found == head_.end() ? std::string() : found->second;
  }
  const std::map<std::string, std::string>& head() const { return head_; }
  bool has_head() const { return has_head_; }  // all of it
  // END_STREAM has come, and nothing was wrong.
  bool is_whole() const { return is_whole_ && error_.empty(); }
  // With which a stream was closed; nothing while it is open.
  std::optional<std::uint32_t> closed(std::int32_t stream) const {
    const auto found = closed_.find(stream);
    return found == closed_.end() ? std::nullopt : std::optional(found->second);
  }
  struct Goaway {
    std::int32_t last_stream;
    std::uint32_t code;
    bool operator==(const Goaway&) const = default;
  };
  const std::vector<Goaway>& goaways() const { return goaways_; }
  int acknowledged_pings() const { return acknowledged_pings_; }
  int acknowledged_settings() const { return acknowledged_settings_ - 1; }  // one was Apache's
  const std::vector<std::size_t>& data_frames() const { return data_frames_; }
  // What it has to complain of; empty if nothing.
  const std::string& error() const { return error_; }

 private:
  struct Free {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };
  static Http2Peer& of(void* peer) { return *static_cast<Http2Peer*>(peer); }

  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_bytes,
                       const std::uint8_t* value, std::size_t value_bytes, std::uint8_t, void* peer) {
    of(peer).head_.emplace(std::string(name, name + name_bytes), std::string(value, value + value_bytes));
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* data, std::size_t bytes,
                     void* peer) {
    of(peer).body_.append(reinterpret_cast<const char*>(data), bytes);
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* owner) {
    Http2Peer& peer = of(owner);
    const bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
    if (frame->hd.type == NGHTTP2_PING) peer.acknowledged_pings_ += is_ack;
    if (frame->hd.type == NGHTTP2_SETTINGS) peer.acknowledged_settings_ += is_ack;
    if (frame->hd.type == NGHTTP2_GOAWAY) {
      peer.goaways_.push_back({frame->goaway.last_stream_id, frame->goaway.error_code});
    }
    if (frame->hd.type == NGHTTP2_DATA) peer.data_frames_.push_back(frame->hd.length);
    if (frame->hd.type != NGHTTP2_DATA && frame->hd.type != NGHTTP2_HEADERS) return 0;
    peer.has_head_ = true;
    peer.is_whole_ = peer.is_whole_ || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    return 0;
  }
  // nghttp2 ends a connection that breaks the protocol, which includes a window that is exceeded.
  static int on_sent(nghttp2_session*, const nghttp2_frame* frame, void* owner) {
    Http2Peer& peer = of(owner);
    const bool has_overrun = frame->hd.type == NGHTTP2_RST_STREAM && frame->rst_stream.error_code == NGHTTP2_FLOW_CONTROL_ERROR;
    if (has_overrun) peer.error_ = "the server has overrun a stream's window";
    if (frame->hd.type != NGHTTP2_GOAWAY || frame->goaway.error_code == NGHTTP2_NO_ERROR || peer.goes_away_) return 0;
    peer.error_ = nghttp2_http2_strerror(frame->goaway.error_code);
    return 0;
  }
  static int on_invalid(nghttp2_session*, const nghttp2_frame*, int code, void* peer) {
    of(peer).error_ = nghttp2_strerror(code);
    return 0;
  }
  static int on_close(nghttp2_session*, std::int32_t stream, std::uint32_t code, void* peer) {
    of(peer).closed_.emplace(stream, code);
    return 0;
  }

  const Http2Setup setup_;
  std::unique_ptr<nghttp2_session, Free> session_;
  std::int32_t stream_ = 0;
  std::map<std::string, std::string> head_;
  std::string body_;
  std::map<std::int32_t, std::uint32_t> closed_;
  std::vector<Goaway> goaways_;
  std::vector<std::size_t> data_frames_;
  int acknowledged_pings_ = 0;
  int acknowledged_settings_ = 0;
  bool has_head_ = false;
  bool is_whole_ = false;
  bool goes_away_ = false;
  std::string error_;
};

}  // namespace streaming
