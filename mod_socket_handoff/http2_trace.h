// SPDX-License-Identifier: Apache-2.0
// What the frames of an HTTP/2 connection show of it, seen in the server and in both directions: which streams are open,
// how much the server may still send, and whether the client's settings and pings are acknowledged. That is what a
// daemon needs to go on with the last open stream. Pure: knows nothing of httpd.
//
// It looks at the heads of frames, and at the payloads of the client's SETTINGS and WINDOW_UPDATE. A frame counts when
// it is complete. It copies only a frame of the client that is cut at the end of a piece, because a daemon must read
// that one from its start.
//
// One for each HTTP/2 connection of a server that hands them over, in the connection's pool. Its owner makes sure that
// one thread at a time uses it.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "mod_socket_handoff/unused_bytes.h"
#include "mod_socket_handoff/verdict.h"
#include "protocol/connection_part.h"
#include "protocol/http2_frames.h"

namespace socket_handoff {

class Http2Trace {
 public:
  enum class Sender { kClient, kServer };
  enum class Preface { kIncomplete, kComplete, kOther };

  // More streams at a time are not followed. mod_http2 allows 100 by default.
  static constexpr std::size_t kMaxOpenStreams = 128;

  // Takes bytes that this side sends, which continue those of the last call, at most to the end of a frame or of the
  // preface. Returns how many were taken. Some bytes are always taken if there are any.
  std::size_t take(Sender sender, std::span<const std::uint8_t> bytes);

  // How many of the server's next bytes need not be read: they belong to a payload that is not looked at. skip() takes
  // so many or fewer.
  std::size_t unread_bytes() const { return server_.is_between_frames() ? 0 : server_.payload_left; }
  void skip(std::size_t bytes);

  // The frame that was ended by the last bytes of this side; none if they did not end one.
  std::optional<handoff_protocol::FrameHead> ended_frame(Sender sender) const;

  // Whether the client has begun as HTTP/2 demands.
  Preface preface() const { return preface_; }

  // From now on nothing is known with certainty. `reason` is half a sentence that follows "because".
  void lose_certainty(const char* reason);
  Verdict certainty() const { return lost_because_ ? Verdict::no(lost_because_) : Verdict::yes(); }

  std::size_t open_streams() const { return open_streams_; }
  // Whether no other stream than this one is open: has begun, and has neither ended on both sides nor been reset.
  bool is_alone(std::uint32_t stream) const { return open_streams_ == 1 && streams_[0].number == stream; }

  // Whether all is known that it takes to go on with `stream`, which is open alone and whose request is complete. It is
  // then written to `http2`.
  Verdict read(std::uint32_t stream, handoff_protocol::Http2State& http2) const;

  // What the client has sent of a frame that is not complete. Valid until the next call.
  std::span<const std::uint8_t> cut_frame() const { return cut_.bytes(); }

 private:
  // The frame that one side is sending.
  struct Direction {
    bool has_head() const { return head_bytes == handoff_protocol::kFrameHeadBytes; }
    bool is_between_frames() const { return head_bytes == 0 || (has_head() && payload_left == 0); }

    handoff_protocol::FrameHead head;  // once has_head()
    std::array<std::uint8_t, handoff_protocol::kFrameHeadBytes> head_text{};
    std::uint32_t head_bytes = 0;  // of head_text
    std::uint32_t payload_left = 0;
    std::uint32_t header_block_of = 0;  // the stream whose header block CONTINUATION must continue; 0: none
  };

  struct Stream {
    std::uint32_t number;
    std::int32_t extra_window;  // beyond SETTINGS_INITIAL_WINDOW_SIZE: WINDOW_UPDATE adds to it, DATA takes from it
    bool has_client_ended;
    bool has_server_ended;
  };

  Direction& of(Sender sender) { return sender == Sender::kClient ? client_ : server_; }

  std::size_t take_preface(std::span<const std::uint8_t> bytes);
  std::size_t take_of_frame(Sender sender, std::span<const std::uint8_t> bytes);
  void take_items(std::span<const std::uint8_t> payload);
  std::size_t item_size() const;

  void on_item();
  void on_setting(std::uint16_t name, std::uint32_t value);
  void on_window_update(std::uint32_t stream, std::uint32_t bytes);

  void on_frame_end(Sender sender);
  bool continues_header_block(Direction& sent);
  void on_client_frame(const handoff_protocol::FrameHead& frame);
  void on_client_headers(const handoff_protocol::FrameHead& frame);
  void on_server_frame(const handoff_protocol::FrameHead& frame);
  void on_acknowledged(std::uint32_t& unacknowledged);

  Verdict examine(std::uint32_t stream) const;
  Stream* find(std::uint32_t number);
  void open(std::uint32_t number);
  void end(std::uint32_t number, bool Stream::*side_has_ended);
  void close(Stream& stream);

  const char* lost_because_ = nullptr;  // null: everything is certain
  Preface preface_ = Preface::kIncomplete;
  std::size_t preface_bytes_ = 0;

  Direction client_;
  Direction server_;
  std::array<std::uint8_t, handoff_protocol::kSettingBytes> item_{};  // of the client's payload: see item_size()
  std::size_t item_bytes_ = 0;

  std::int32_t connection_window_ = handoff_protocol::kDefaultHttp2Window;
  std::int32_t initial_window_ = handoff_protocol::kDefaultHttp2Window;
  std::uint32_t max_frame_bytes_ = handoff_protocol::kMinMaxFrameBytes;
  std::uint32_t highest_stream_ = 0;
  // The client's frames that the server has not acknowledged.
  std::uint32_t settings_ = 0;
  std::uint32_t pings_ = 0;

  std::size_t open_streams_ = 0;
  std::array<Stream, kMaxOpenStreams> streams_;  // the first open_streams_, in any order

  UnusedBytes cut_;
};
static_assert(sizeof(Http2Trace) <= 2752);  // each HTTP/2 connection has one, handed over or not

}  // namespace socket_handoff
