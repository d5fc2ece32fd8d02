// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/http2_trace.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "mod_socket_handoff/check.h"

namespace socket_handoff {

using handoff_protocol::FrameHead;
using handoff_protocol::FrameType;
using handoff_protocol::Http2State;
using handoff_protocol::kFrameHeadBytes;
using handoff_protocol::kMaxHttp2Window;
using handoff_protocol::kSettingBytes;

namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kWindowUpdateBytes = 4;

constexpr char kMalformed[] = "its client has sent an invalid frame";

// False if the sum is beyond a window's range.
bool add(std::int32_t& window, std::int64_t bytes) {
  const std::int64_t sum = window + bytes;
  if (sum > std::int64_t{kMaxHttp2Window} || sum < -std::int64_t{kMaxHttp2Window}) return false;
  window = static_cast<std::int32_t>(sum);
  return true;
}

}  // namespace

void Http2Trace::lose_certainty(const char* reason) {
  if (!lost_because_) lost_because_ = reason;
}

std::optional<FrameHead> Http2Trace::ended_frame(Sender sender) const {
  const Direction& sent = sender == Sender::kClient ? client_ : server_;
  return sent.has_head() && sent.payload_left == 0 ? std::optional(sent.head) : std::nullopt;
}

std::size_t Http2Trace::take(Sender sender, std::span<const std::uint8_t> bytes) {
  if (sender == Sender::kServer) return take_of_frame(sender, bytes);
  if (preface_ != Preface::kComplete) return take_preface(bytes);
  const std::size_t taken = take_of_frame(sender, bytes);
  if (client_.is_between_frames()) {
    cut_.clear();
  } else {
    cut_.append(bytes.first(taken));
  }
  return taken;
}

std::size_t Http2Trace::take_preface(std::span<const std::uint8_t> bytes) {
  if (preface_ == Preface::kOther) return bytes.size();
  const std::size_t taken = std::min(bytes.size(), kPreface.size() - preface_bytes_);
  if (std::memcmp(bytes.data(), kPreface.data() + preface_bytes_, taken) != 0) {
    preface_ = Preface::kOther;
    lose_certainty("its connection did not begin with HTTP/2");
    return bytes.size();
  }
  preface_bytes_ += taken;
  if (preface_bytes_ == kPreface.size()) preface_ = Preface::kComplete;
  return taken;
}

std::size_t Http2Trace::take_of_frame(Sender sender, std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return 0;
  Direction& sent = of(sender);
  if (sent.is_between_frames()) {
    sent.head_bytes = 0;
    item_bytes_ = sender == Sender::kClient ? 0 : item_bytes_;
  }
  std::size_t taken = 0;
  if (!sent.has_head()) {
    taken = std::min(bytes.size(), kFrameHeadBytes - sent.head_bytes);
    std::memcpy(sent.head_text.data() + sent.head_bytes, bytes.data(), taken);
    sent.head_bytes += static_cast<std::uint32_t>(taken);
    if (!sent.has_head()) return taken;
    sent.head = handoff_protocol::read_frame_head(sent.head_text);
    sent.payload_left = sent.head.length;
  }
  const std::size_t of_payload = std::min<std::size_t>(bytes.size() - taken, sent.payload_left);
  if (sender == Sender::kClient) take_items(bytes.subspan(taken, of_payload));
  sent.payload_left -= static_cast<std::uint32_t>(of_payload);
  if (sent.payload_left == 0) on_frame_end(sender);
  return taken + of_payload;
}

void Http2Trace::skip(std::size_t bytes) {
  SH_CHECK(bytes <= unread_bytes());
  server_.payload_left -= static_cast<std::uint32_t>(bytes);
  if (bytes > 0 && server_.payload_left == 0) on_frame_end(Sender::kServer);
}

// The client's payload is looked at in pieces of so many bytes; 0: not at all.
std::size_t Http2Trace::item_size() const {
  if (client_.head.type == FrameType::kSettings) return kSettingBytes;
  return client_.head.type == FrameType::kWindowUpdate ? kWindowUpdateBytes : 0;
}

void Http2Trace::take_items(std::span<const std::uint8_t> payload) {
  const std::size_t size = item_size();
  while (size > 0 && !payload.empty()) {
    const std::size_t taken = std::min(payload.size(), size - item_bytes_);
    std::memcpy(item_.data() + item_bytes_, payload.data(), taken);
    item_bytes_ += taken;
    payload = payload.subspan(taken);
    if (item_bytes_ < size) return;
    item_bytes_ = 0;
    on_item();
  }
}

void Http2Trace::on_item() {
  const std::span item(item_);
  if (client_.head.type == FrameType::kSettings) {
    on_setting(static_cast<std::uint16_t>(item[0] << 8 | item[1]), handoff_protocol::read_number(item.subspan<2, 4>()));
  } else {
    on_window_update(client_.head.stream, handoff_protocol::read_number(item.first<4>()) & kMaxHttp2Window);
  }
}

// A setting that a cut frame has counts already. A daemon that reads the frame again finds the same values.
void Http2Trace::on_setting(std::uint16_t name, std::uint32_t value) {
  if (name == handoff_protocol::kSettingInitialWindow) {
    if (value > kMaxHttp2Window) return lose_certainty(kMalformed);
    initial_window_ = static_cast<std::int32_t>(value);
  }
  if (name == handoff_protocol::kSettingMaxFrameBytes) {
    if (value < handoff_protocol::kMinMaxFrameBytes || value > handoff_protocol::kMaxMaxFrameBytes) {
      return lose_certainty(kMalformed);
    }
    max_frame_bytes_ = value;
  }
}

void Http2Trace::on_window_update(std::uint32_t number, std::uint32_t bytes) {
  Stream* stream = find(number);
  if (number != 0 && !stream) return;  // it has ended
  if (bytes == 0 || !add(stream ? stream->extra_window : connection_window_, bytes)) lose_certainty(kMalformed);
}

void Http2Trace::on_frame_end(Sender sender) {
  Direction& sent = of(sender);
  if (!continues_header_block(sent)) return lose_certainty(kMalformed);
  sender == Sender::kClient ? on_client_frame(sent.head) : on_server_frame(sent.head);
}

// Between the frames of a header block there are no others.
bool Http2Trace::continues_header_block(Direction& sent) {
  const FrameHead& frame = sent.head;
  const bool is_continuation = frame.type == FrameType::kContinuation;
  if (is_continuation != (sent.header_block_of != 0)) return false;
  if (is_continuation && frame.stream != sent.header_block_of) return false;
  if (is_continuation || frame.type == FrameType::kHeaders || frame.type == FrameType::kPushPromise) {
    sent.header_block_of = frame.has(handoff_protocol::kEndHeaders) ? 0 : frame.stream;
  }
  return true;
}

void Http2Trace::on_client_frame(const FrameHead& frame) {
  switch (frame.type) {
    case FrameType::kHeaders:
      return on_client_headers(frame);
    case FrameType::kData:
      if (frame.has(handoff_protocol::kEndStream)) end(frame.stream, &Stream::has_client_ended);
      return;
    case FrameType::kRstStream:
      if (Stream* stream = find(frame.stream)) close(*stream);
      return;
    case FrameType::kSettings:
      if (frame.length % kSettingBytes != 0 || frame.stream != 0) lose_certainty(kMalformed);
      if (!frame.has(handoff_protocol::kAck)) ++settings_;
      return;
    case FrameType::kPing:
      if (!frame.has(handoff_protocol::kAck)) ++pings_;
      return;
    case FrameType::kWindowUpdate:
      if (frame.length != kWindowUpdateBytes) lose_certainty(kMalformed);
      return;
    case FrameType::kGoaway:
      return lose_certainty("its client is closing the connection");
    case FrameType::kPushPromise:
      return lose_certainty(kMalformed);
    case FrameType::kPriority:
    case FrameType::kContinuation:
      return;
  }
}

void Http2Trace::on_client_headers(const FrameHead& frame) {
  if (frame.stream > highest_stream_) {
    if (frame.stream % 2 == 0) return lose_certainty(kMalformed);
    highest_stream_ = frame.stream;
    open(frame.stream);
  }
  if (frame.has(handoff_protocol::kEndStream)) end(frame.stream, &Stream::has_client_ended);
}

void Http2Trace::on_server_frame(const FrameHead& frame) {
  switch (frame.type) {
    case FrameType::kData:
      if (Stream* stream = find(frame.stream); stream && !add(stream->extra_window, -std::int64_t{frame.length})) {
        lose_certainty("the windows of its connection are not known");
      }
      if (!add(connection_window_, -std::int64_t{frame.length})) {
        lose_certainty("the windows of its connection are not known");
      }
      [[fallthrough]];
    case FrameType::kHeaders:
      if (frame.has(handoff_protocol::kEndStream)) end(frame.stream, &Stream::has_server_ended);
      return;
    case FrameType::kRstStream:
      if (Stream* stream = find(frame.stream)) close(*stream);
      return;
    case FrameType::kSettings:
      if (frame.has(handoff_protocol::kAck)) on_acknowledged(settings_);
      return;
    case FrameType::kPing:
      if (frame.has(handoff_protocol::kAck)) on_acknowledged(pings_);
      return;
    case FrameType::kPushPromise:
      return lose_certainty("Apache has pushed a response on its connection");
    case FrameType::kGoaway:  // of a graceful stop: streams that are open go on
    case FrameType::kPriority:
    case FrameType::kWindowUpdate:
    case FrameType::kContinuation:
      return;
  }
}

void Http2Trace::on_acknowledged(std::uint32_t& unacknowledged) {
  if (unacknowledged == 0) return lose_certainty("Apache has acknowledged what its client has not sent");
  --unacknowledged;
}

Http2Trace::Stream* Http2Trace::find(std::uint32_t number) {
  const auto end = streams_.begin() + static_cast<std::ptrdiff_t>(open_streams_);
  const auto found = std::find_if(streams_.begin(), end, [=](const Stream& stream) { return stream.number == number; });
  return found == end ? nullptr : &*found;
}

void Http2Trace::open(std::uint32_t number) {
  if (open_streams_ == streams_.size()) return lose_certainty("its client has opened too many streams at a time");
  streams_[open_streams_++] = {number, 0, false, false};
}

void Http2Trace::end(std::uint32_t number, bool Stream::*side_has_ended) {
  Stream* stream = find(number);
  if (!stream) return;
  stream->*side_has_ended = true;
  if (stream->has_client_ended && stream->has_server_ended) close(*stream);
}

void Http2Trace::close(Stream& stream) {
  SH_CHECK(open_streams_ > 0);
  stream = streams_[--open_streams_];
}

Verdict Http2Trace::examine(std::uint32_t stream) const {
  if (lost_because_) return Verdict::no(lost_because_);
  if (!is_alone(stream)) return Verdict::no("another stream of its connection is open, or its own is not");
  if (!streams_[0].has_client_ended) return Verdict::no("its client has not ended the request");
  if (streams_[0].has_server_ended) return Verdict::no("its response has ended");
  if (client_.header_block_of != 0) return Verdict::no("its client is opening another stream");
  if (!cut_.is_complete()) return Verdict::no("its client is sending a long frame");
  if (!server_.is_between_frames() || server_.header_block_of != 0) {
    return Verdict::no("Apache is writing to its connection");
  }
  if (settings_ != 0 || pings_ != 0) return Verdict::no("Apache has not acknowledged a frame of its client");
  return Verdict::yes();
}

Verdict Http2Trace::read(std::uint32_t stream, Http2State& http2) const {
  if (const Verdict verdict = examine(stream); !verdict.is_yes()) return verdict;
  std::int32_t stream_window = initial_window_;
  if (!add(stream_window, streams_[0].extra_window) || connection_window_ < 0) {
    return Verdict::no("the windows of its connection are not known");
  }
  http2 = {.stream = stream,
           .highest_stream = highest_stream_,
           .connection_window = connection_window_,
           .stream_window = stream_window,
           .initial_window = initial_window_,
           .max_frame_bytes = max_frame_bytes_};
  return Verdict::yes();
}

}  // namespace socket_handoff
