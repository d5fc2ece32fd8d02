// SPDX-License-Identifier: Apache-2.0
// Http2Session: the HTTP/2 of one connection, by nghttp2: bytes in, bytes out, and streams.
//
// Owned by an Http2Connection, on its thread; knows nothing of sockets and TLS. It borrows the streams it carries. The
// server may send no more of a stream than its window until the stream's receiver has taken it, so a paused one stops
// its server; the connection's own window is given back at once, so that it stops no other.

#pragma once

#include <nghttp2/nghttp2.h>

#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/intrusive_list.h"
#include "base/result.h"
#include "ring/timer_wheel.h"
#include "upstream/http2_stream.h"
#include "upstream/limits.h"

namespace streaming {

// Who has the connection. Called from within Http2Session::receive(), next_output() and fail_streams().
class Http2SessionOwner {
 public:
  virtual void on_settings() = 0;       // the server has said how many streams it carries
  virtual void on_stream_closed() = 0;  // there is room for another
  virtual void on_first_answer() = 0;   // it has answered a request, for the first time
  // There will be no room again; `takes_some`: of the requests that it has, some may yet be answered.
  virtual void on_going_away(bool takes_some) = 0;
  // The server has done nothing for this request: it may be asked again, elsewhere.
  virtual void on_refused(Http2Stream& stream) = 0;
  virtual void on_http1_required(Http2Stream& stream) = 0;
  virtual void on_output() = 0;  // there is something to be sent

 protected:
  ~Http2SessionOwner() = default;
};

class Http2Session {
 public:
  Http2Session(Http2SessionOwner& owner, TimerWheel& timers);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // On an Error, which names what was wrong with the bytes, the session must not be used any more.
  Status receive(std::span<const char> bytes);
  // What is to be sent next, until the next call; empty when there is nothing.
  std::string_view next_output();

  // Neither side has anything to say any more.
  bool over() const { return nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0; }

  // How many streams it carries, and how many it may.
  std::uint32_t streams() const { return streams_; }
  // Whether it was ever given a request.
  bool was_used() const { return nghttp2_session_get_next_stream_id(session_) > 1; }
  std::uint32_t limit() const { return stated_limit().value_or(kStreamsBeforeSettings); }
  std::optional<std::uint32_t> stated_limit() const;

  void start(Http2Stream& stream);
  void cancel(Http2Stream& stream);
  // What is still to come of it is read and dropped, for a moment.
  void drop_rest(Http2Stream& stream);
  // The receiver has taken `bytes` that were held back.
  void acknowledge(Http2Stream& stream, std::size_t bytes);

  void ping();
  void say_goodbye();
  // Resets what was to be dropped and has not ended in time. The time to call again, if there is any.
  std::optional<Time> reset_unfinished();
  // The connection is lost.
  void fail_streams(std::string_view error);

 private:
  // A stream that nobody waits for.
  struct Unfinished {
    std::int32_t id;
    Time deadline;
  };

  static const nghttp2_session_callbacks* callbacks();
  static const nghttp2_option* options();
  static int on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*, std::size_t, const std::uint8_t*,
                       std::size_t, std::uint8_t, void*);
  static int on_frame(nghttp2_session*, const nghttp2_frame*, void*);
  static int on_frame_sent(nghttp2_session*, const nghttp2_frame*, void*);
  static int on_body(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t*, std::size_t, void*);
  static int on_stream_close(nghttp2_session*, std::int32_t, std::uint32_t, void*);
  static ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t, std::uint32_t*,
                           nghttp2_data_source*, void*);

  Http2Stream* find(std::int32_t id) const;
  void on_stream_frame(const nghttp2_frame& frame);
  void on_closed(Http2Stream& stream, std::uint32_t code);
  void let_go(Http2Stream& stream);

  Http2SessionOwner& owner_;
  TimerWheel& timers_;
  nghttp2_session* session_ = nullptr;
  IntrusiveList<Http2Stream> carried_;
  std::deque<Unfinished> unfinished_;
  std::uint32_t streams_ = 0;  // those that nobody waits for among them
  bool settings_known_ = false;
  bool answered_ = false;
};

}  // namespace streaming
