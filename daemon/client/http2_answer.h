// SPDX-License-Identifier: Apache-2.0
// Http2Answer: the one answer on an HTTP/2 connection that a client has opened with Apache (RFC 9113). It makes frames
// of the answer's text, within the client's windows, and acts on the client's frames. Streams that the client opens
// besides are refused, so that it asks again on another connection.
//
// One per stream to such a client, owned by its Http2ClientConnection, on the worker's thread. Knows no sockets and no
// streams of the daemon. It keeps at most the nine bytes of a frame that it needs, and the replies that are not sent
// yet. What a client sends costs work that is linear in its length, and has a limit (client/limits.h).

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/buffer.h"
#include "client/client_connection.h"
#include "client/limits.h"
#include "protocol/connection_part.h"
#include "protocol/http2_frames.h"

namespace streaming {

class Http2Answer {
 public:
  explicit Http2Answer(const handoff_protocol::Http2State& state);

  // Appends to `frames` the replies, then the frames of `text`, as much as the windows allow, and behind all of it the
  // end of the answer. See ClientConnection::write().
  ClientConnection::Written write(std::string_view text, ClientConnection::End end, Buffer& frames);
  bool has_to_reply() const { return !replies_.empty(); }
  // See ClientConnection.
  bool wants_head() const { return others_wait_ && !head_written_ && state_ == State::kOpen; }

  // A receive has brought so many bytes; their frames follow.
  void count_received(std::size_t bytes);
  // Takes frames, any part of them.
  void receive(std::string_view bytes);
  ClientConnection::Received received() const;
  bool is_malformed() const { return state_ == State::kMalformed; }
  // What the client has sent in RST_STREAM or GOAWAY, or was sent in one of them; empty if neither.
  std::string_view error_name() const;

 private:
  enum class State : std::uint8_t {
    kOpen,
    kEnded,      // END_STREAM or RST_STREAM is written
    kCancelled,  // by the client
    kMalformed,
  };

  // Appends from `bytes` to partial_ until it has `wanted`; false if they do not suffice.
  bool collect(std::string_view& bytes, std::size_t wanted);
  void on_frame_head();
  handoff_protocol::Http2Error problem_of(const handoff_protocol::FrameHead& head) const;
  bool is_idle(std::uint32_t stream) const { return stream % 2 == 0 || stream > highest_stream_; }
  void on_wanted_bytes();
  void on_frame_end();
  void on_setting();
  void on_window_update();
  void add_to_stream_window(std::int64_t bytes);
  void refuse(std::uint32_t stream);
  void cancel(std::uint32_t code);
  void fail(handoff_protocol::Http2Error error);
  void note_error(std::uint32_t code);
  void spend(std::size_t units);

  void append_headers(std::string_view text, bool is_last, Buffer& frames);
  void append_data(std::string_view text, bool is_last, Buffer& frames);
  void append_reset(handoff_protocol::Http2Error error, Buffer& frames);
  void append_goaway(handoff_protocol::Http2Error error, Buffer& frames);
  void reply(const handoff_protocol::FrameHead& head, std::string_view payload = {});

  Buffer replies_;
  const std::uint32_t stream_;
  const std::uint32_t last_stream_;  // that Apache has seen
  std::uint32_t highest_stream_;     // that the client has opened
  std::int32_t connection_window_;
  std::int32_t stream_window_;
  std::int32_t initial_window_;
  std::uint32_t written_ = 0;         // how much of the beginning of write()'s text went already
  std::uint32_t frame_stream_ = 0;    // of the client's frame
  std::uint16_t frame_left_ = 0;      // of its payload
  std::uint16_t units_ = kMostUnits;  // that are left of what a client may send
  handoff_protocol::FrameType frame_type_{};
  std::uint8_t wanted_bytes_ = 0;  // of the payload, next
  std::array<std::uint8_t, handoff_protocol::kFrameHeadBytes> partial_;  // a frame's head, or wanted bytes
  std::uint8_t partial_bytes_ = 0;
  State state_ = State::kOpen;
  std::uint8_t error_ = 0;
  bool has_error_ : 1 = false;
  bool in_payload_ : 1 = false;
  bool is_acknowledgement_ : 1 = false;  // the client's frame, if it is SETTINGS
  bool in_header_block_ : 1 = false;  // CONTINUATION must come
  bool head_written_ : 1 = false;
  bool others_wait_ : 1 = false;  // streams that GOAWAY refuses
  bool goaway_written_ : 1 = false;
};

}  // namespace streaming
