// SPDX-License-Identifier: Apache-2.0
#include "client/http2_answer.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "base/check.h"
#include "client/http2_head.h"

namespace streaming {

using handoff_protocol::FrameHead;
using handoff_protocol::FrameType;
using handoff_protocol::Http2Error;
using handoff_protocol::kFrameHeadBytes;
using handoff_protocol::read_number;

namespace {

// RFC 9113, section 7, by code.
constexpr std::array<std::string_view, 14> kErrorNames{
    "NO_ERROR",      "PROTOCOL_ERROR",    "INTERNAL_ERROR",      "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT",
    "STREAM_CLOSED", "FRAME_SIZE_ERROR",  "REFUSED_STREAM",      "CANCEL",             "COMPRESSION_ERROR",
    "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY", "HTTP_1_1_REQUIRED"};

constexpr std::uint16_t kSettingEnablePush = 2;
constexpr std::uint8_t kHasPriority = 0x20;  // HEADERS

constexpr std::size_t kNumberBytes = 4;
constexpr std::size_t kPriorityBytes = 5;
constexpr std::size_t kPingBytes = 8;
constexpr std::size_t kGoawayBytes = 8;  // without what may follow

void append_frame(const FrameHead& head, std::string_view payload, Buffer& frames) {
  const auto bytes = frame_head_bytes(head);
  char* into = frames.reserve(bytes.size() + payload.size());
  std::memcpy(into, bytes.data(), bytes.size());
  if (!payload.empty()) std::memcpy(into + bytes.size(), payload.data(), payload.size());
  frames.commit(bytes.size() + payload.size());
}

// A payload of numbers.
template <std::size_t kNumbers>
class Numbers {
 public:
  explicit Numbers(const std::array<std::uint32_t, kNumbers>& numbers) {
    for (std::size_t i = 0; i < kNumbers; ++i) {
      const std::span<std::uint8_t> into = std::span(bytes_).subspan(i * kNumberBytes);
      handoff_protocol::write_number(numbers[i], into.first<kNumberBytes>());
    }
  }
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()}; }

 private:
  std::array<std::uint8_t, kNumbers * kNumberBytes> bytes_;
};

std::uint32_t code_of(Http2Error error) {
  return static_cast<std::uint32_t>(error);
}

std::size_t padding_length_bytes(const FrameHead& head) {
  return head.has(handoff_protocol::kPadded) ? 1 : 0;
}

// Whether a frame of that type can have a payload of that length.
bool has_valid_length(const FrameHead& head) {
  using handoff_protocol::kAck;
  switch (head.type) {
    case FrameType::kPriority:
      return head.length == kPriorityBytes;
    case FrameType::kRstStream:
    case FrameType::kWindowUpdate:
      return head.length == kNumberBytes;
    case FrameType::kSettings:
      return head.has(kAck) ? head.length == 0 : head.length % handoff_protocol::kSettingBytes == 0;
    case FrameType::kPing:
      return head.length == kPingBytes;
    case FrameType::kGoaway:
      return head.length >= kGoawayBytes;
    case FrameType::kData:
      return head.length >= padding_length_bytes(head);
    case FrameType::kHeaders:
      return head.length >= padding_length_bytes(head) + (head.has(kHasPriority) ? kPriorityBytes : 0);
    default:
      return true;
  }
}

// Whether a frame of that type belongs to a stream, or to the connection.
bool has_valid_place(const FrameHead& head) {
  switch (head.type) {
    case FrameType::kData:
    case FrameType::kHeaders:
    case FrameType::kPriority:
    case FrameType::kRstStream:
      return head.stream != 0;
    case FrameType::kSettings:
    case FrameType::kPing:
    case FrameType::kGoaway:
      return head.stream == 0;
    default:
      return true;
  }
}

// How much of its payload is looked at first.
std::size_t bytes_of_interest(const FrameHead& head) {
  using handoff_protocol::kAck;
  switch (head.type) {
    case FrameType::kData:
    case FrameType::kHeaders:
      return padding_length_bytes(head);
    case FrameType::kRstStream:
    case FrameType::kWindowUpdate:
      return kNumberBytes;
    case FrameType::kSettings:
      return head.length > 0 ? handoff_protocol::kSettingBytes : 0;
    case FrameType::kPing:
      return head.has(kAck) ? 0 : kPingBytes;
    case FrameType::kGoaway:
      return kGoawayBytes;
    default:
      return 0;
  }
}

}  // namespace

Http2Answer::Http2Answer(const handoff_protocol::Http2State& state)
    : stream_(state.stream),
      last_stream_(state.highest_stream),
      highest_stream_(state.highest_stream),
      connection_window_(state.connection_window),
      stream_window_(state.stream_window),
      initial_window_(state.initial_window) {
}

ClientConnection::Received Http2Answer::received() const {
  using Received = ClientConnection::Received;
  if (state_ == State::kMalformed) return Received::kMalformed;
  return state_ == State::kCancelled ? Received::kCancelled : Received::kNothing;
}

std::string_view Http2Answer::error_name() const {
  if (!has_error_) return {};
  return error_ < kErrorNames.size() ? kErrorNames[error_] : "UNKNOWN";
}

// --- To the client --------------------------------------------------------------------------------------------------

ClientConnection::Written Http2Answer::write(std::string_view text, ClientConnection::End end, Buffer& frames) {
  using End = ClientConnection::End;
  const bool is_last = end == End::kWhole;
  const std::uint32_t written_before = written_;
  frames.append(replies_.view());
  replies_.reset();
  if (state_ == State::kOpen && end == End::kCut) append_reset(Http2Error::kCancel, frames);
  if (state_ == State::kOpen && !head_written_ && !text.empty()) append_headers(text, is_last, frames);
  if (state_ == State::kOpen && head_written_) append_data(text, is_last, frames);
  if (state_ != State::kOpen) written_ = static_cast<std::uint32_t>(text.size());
  const bool all_written = written_ == text.size();
  if (end != End::kNotYet && all_written && !goaway_written_) append_goaway(Http2Error::kNoError, frames);
  const bool has_text = written_ > written_before;
  const bool ends_connection = end == End::kMalformed || end == End::kConnection;
  // To remove the text's beginning moves the rest. So that is done when the rest is no longer than the beginning.
  return {.done = written_ >= text.size() - written_ ? std::exchange(written_, 0) : 0,
          .has_text = has_text,
          .is_end = ends_connection && all_written};
}

void Http2Answer::append_headers(std::string_view text, bool is_last, Buffer& frames) {
  Buffer block;
  written_ = static_cast<std::uint32_t>(append_header_block(text, block));
  head_written_ = true;
  const bool is_end = is_last && written_ == text.size();
  if (is_end) state_ = State::kEnded;
  FrameHead head{.length = 0, .type = FrameType::kHeaders, .flags = 0, .stream = stream_};
  if (is_end) head.flags = handoff_protocol::kEndStream;
  for (std::string_view rest = block.view(); !rest.empty(); head.type = FrameType::kContinuation, head.flags = 0) {
    const std::string_view payload = rest.substr(0, kMaxSentFrameBytes);
    rest.remove_prefix(payload.size());
    head.length = static_cast<std::uint32_t>(payload.size());
    if (rest.empty()) head.flags |= handoff_protocol::kEndHeaders;
    append_frame(head, payload, frames);
  }
  // No sooner, because a client may take it for the end (Python's httpx). No later: see kHttp2HeadDelay.
  append_goaway(Http2Error::kNoError, frames);
}

void Http2Answer::append_data(std::string_view text, bool is_last, Buffer& frames) {
  do {
    const std::string_view rest = text.substr(written_);
    const std::int32_t window = std::max(std::min(connection_window_, stream_window_), 0);
    const std::size_t bytes = std::min({rest.size(), kMaxSentFrameBytes, static_cast<std::size_t>(window)});
    const bool is_end = is_last && bytes == rest.size();
    if (bytes == 0 && !is_end) return;
    const FrameHead head{.length = static_cast<std::uint32_t>(bytes),
                         .type = FrameType::kData,
                         .flags = is_end ? handoff_protocol::kEndStream : std::uint8_t{0},
                         .stream = stream_};
    append_frame(head, rest.substr(0, bytes), frames);
    written_ += static_cast<std::uint32_t>(bytes);
    connection_window_ -= static_cast<std::int32_t>(bytes);
    stream_window_ -= static_cast<std::int32_t>(bytes);
    const std::size_t earned = kEarnedPerFrame + bytes / kBytesPerUnit;
    units_ = static_cast<std::uint16_t>(std::min<std::size_t>(units_ + earned, kMostUnits));
    if (is_end) state_ = State::kEnded;
  } while (state_ == State::kOpen && written_ < text.size());
}

void Http2Answer::append_reset(Http2Error error, Buffer& frames) {
  state_ = State::kEnded;
  note_error(code_of(error));
  const Numbers<1> payload({code_of(error)});
  append_frame({.length = kNumberBytes, .type = FrameType::kRstStream, .flags = 0, .stream = stream_}, payload.view(),
               frames);
}

void Http2Answer::append_goaway(Http2Error error, Buffer& frames) {
  goaway_written_ = true;
  const Numbers<2> payload({last_stream_, code_of(error)});
  append_frame({.length = kGoawayBytes, .type = FrameType::kGoaway, .flags = 0, .stream = 0}, payload.view(), frames);
}

// --- From the client ------------------------------------------------------------------------------------------------

void Http2Answer::count_received(std::size_t bytes) {
  constexpr std::size_t kKib = 1024;
  spend((bytes + kKib - 1) / kKib);
}

void Http2Answer::spend(std::size_t units) {
  if (units > units_) return fail(Http2Error::kEnhanceYourCalm);
  units_ = static_cast<std::uint16_t>(units_ - units);
}

void Http2Answer::receive(std::string_view bytes) {
  while (state_ != State::kMalformed) {
    if (!in_payload_) {
      if (!collect(bytes, kFrameHeadBytes)) return;
      on_frame_head();
    } else if (wanted_bytes_ > 0) {
      if (!collect(bytes, wanted_bytes_)) return;
      frame_left_ = static_cast<std::uint16_t>(frame_left_ - wanted_bytes_);
      wanted_bytes_ = 0;
      on_wanted_bytes();
    } else if (frame_left_ > 0) {
      if (bytes.empty()) return;
      const std::size_t skipped = std::min<std::size_t>(frame_left_, bytes.size());
      frame_left_ = static_cast<std::uint16_t>(frame_left_ - skipped);
      bytes.remove_prefix(skipped);
    } else {
      in_payload_ = false;
      on_frame_end();
    }
  }
}

bool Http2Answer::collect(std::string_view& bytes, std::size_t wanted) {
  const std::size_t taken = std::min(wanted - partial_bytes_, bytes.size());
  bytes.copy(reinterpret_cast<char*>(&partial_[partial_bytes_]), taken);
  bytes.remove_prefix(taken);
  partial_bytes_ = static_cast<std::uint8_t>(partial_bytes_ + taken);
  if (partial_bytes_ < wanted) return false;
  partial_bytes_ = 0;
  return true;
}

void Http2Answer::on_frame_head() {
  const FrameHead head = handoff_protocol::read_frame_head(partial_);
  if (const Http2Error problem = problem_of(head); problem != Http2Error::kNoError) return fail(problem);
  in_payload_ = true;
  frame_type_ = head.type;
  frame_stream_ = head.stream;
  frame_left_ = static_cast<std::uint16_t>(head.length);
  wanted_bytes_ = static_cast<std::uint8_t>(bytes_of_interest(head));
  if (head.type == FrameType::kHeaders || head.type == FrameType::kContinuation) {
    in_header_block_ = !head.has(handoff_protocol::kEndHeaders);
  }
  is_acknowledgement_ = head.has(handoff_protocol::kAck);
  spend(1);
  if (head.type == FrameType::kHeaders && head.stream > highest_stream_) refuse(head.stream);
}

// What RFC 9113 calls a stream error is one of the connection here: no other stream is on it.
Http2Error Http2Answer::problem_of(const FrameHead& head) const {
  if (head.length > kMaxReceivedFrameBytes) return Http2Error::kFrameSizeError;
  const bool continues = head.type == FrameType::kContinuation && head.stream == frame_stream_;
  if (in_header_block_ ? !continues : head.type == FrameType::kContinuation) return Http2Error::kProtocolError;
  if (!has_valid_place(head)) return Http2Error::kProtocolError;
  if (!has_valid_length(head)) return Http2Error::kFrameSizeError;
  switch (head.type) {
    case FrameType::kPushPromise:
      return Http2Error::kProtocolError;
    case FrameType::kHeaders:
      if (head.stream % 2 == 0) return Http2Error::kProtocolError;
      return head.stream == stream_ ? Http2Error::kStreamClosed : Http2Error::kNoError;
    case FrameType::kData:
      if (is_idle(head.stream)) return Http2Error::kProtocolError;
      return head.stream == stream_ ? Http2Error::kStreamClosed : Http2Error::kNoError;
    case FrameType::kRstStream:
      return is_idle(head.stream) ? Http2Error::kProtocolError : Http2Error::kNoError;
    case FrameType::kWindowUpdate:
      return head.stream != 0 && is_idle(head.stream) ? Http2Error::kProtocolError : Http2Error::kNoError;
    default:
      return Http2Error::kNoError;
  }
}

void Http2Answer::on_wanted_bytes() {
  switch (frame_type_) {
    case FrameType::kData:
    case FrameType::kHeaders:  // the length of the padding
      if (partial_[0] > frame_left_) fail(Http2Error::kProtocolError);
      return;
    case FrameType::kRstStream:
      if (frame_stream_ == stream_) cancel(read_number(std::span(partial_).first<kNumberBytes>()));
      return;
    case FrameType::kSettings:
      return on_setting();
    case FrameType::kPing:
      return reply({.length = kPingBytes, .type = FrameType::kPing, .flags = handoff_protocol::kAck, .stream = 0},
                   {reinterpret_cast<const char*>(partial_.data()), kPingBytes});
    case FrameType::kGoaway: {
      // Without an error the client only opens no further stream (section 6.8).
      const std::uint32_t code = read_number(std::span(partial_).subspan<kNumberBytes, kNumberBytes>());
      if (code != code_of(Http2Error::kNoError)) cancel(code);
      return;
    }
    case FrameType::kWindowUpdate:
      return on_window_update();
    default:
      CHECK(!"a type of which bytes are wanted");
  }
}

void Http2Answer::on_frame_end() {
  if (frame_type_ != FrameType::kSettings || is_acknowledgement_) return;
  reply({.length = 0, .type = FrameType::kSettings, .flags = handoff_protocol::kAck, .stream = 0});
}

void Http2Answer::on_setting() {
  if (frame_left_ > 0) wanted_bytes_ = handoff_protocol::kSettingBytes;
  const unsigned name = static_cast<unsigned>(partial_[0]) << 8 | partial_[1];
  const std::uint32_t value = read_number(std::span(partial_).subspan<2, kNumberBytes>());
  if (name == kSettingEnablePush && value > 1) return fail(Http2Error::kProtocolError);
  if (name == handoff_protocol::kSettingMaxFrameBytes &&
      (value < handoff_protocol::kMinMaxFrameBytes || value > handoff_protocol::kMaxMaxFrameBytes)) {
    return fail(Http2Error::kProtocolError);
  }
  if (name != handoff_protocol::kSettingInitialWindow) return;
  if (value > handoff_protocol::kMaxHttp2Window) return fail(Http2Error::kFlowControlError);
  add_to_stream_window(std::int64_t{value} - initial_window_);
  initial_window_ = static_cast<std::int32_t>(value);
}

void Http2Answer::add_to_stream_window(std::int64_t bytes) {
  const std::int64_t window = stream_window_ + bytes;
  if (window > std::int64_t{handoff_protocol::kMaxHttp2Window} || window < INT32_MIN) {
    return fail(Http2Error::kFlowControlError);
  }
  stream_window_ = static_cast<std::int32_t>(window);
}

void Http2Answer::on_window_update() {
  const bool is_connections = frame_stream_ == 0;
  if (!is_connections && frame_stream_ != stream_) return;
  const std::uint32_t increment =
      read_number(std::span(partial_).first<kNumberBytes>()) & handoff_protocol::kMaxHttp2Window;
  if (increment == 0) return fail(Http2Error::kProtocolError);
  if (!is_connections) return add_to_stream_window(increment);
  const std::int64_t window = std::int64_t{connection_window_} + increment;
  if (window > std::int64_t{handoff_protocol::kMaxHttp2Window}) return fail(Http2Error::kFlowControlError);
  connection_window_ = static_cast<std::int32_t>(window);
}

// A client that gets GOAWAY asks again for all streams above its last one. One that opens more of them all the same
// gets RST_STREAM for each.
void Http2Answer::refuse(std::uint32_t stream) {
  highest_stream_ = stream;
  if (state_ == State::kMalformed) return;
  if (!goaway_written_) {
    others_wait_ = true;
    return;
  }
  const Numbers<1> payload({code_of(Http2Error::kRefusedStream)});
  reply({.length = kNumberBytes, .type = FrameType::kRstStream, .flags = 0, .stream = stream}, payload.view());
}

void Http2Answer::cancel(std::uint32_t code) {
  if (state_ == State::kCancelled) return;
  state_ = State::kCancelled;
  note_error(code);
  if (!goaway_written_) append_goaway(Http2Error::kNoError, replies_);
}

void Http2Answer::fail(Http2Error error) {
  if (state_ == State::kMalformed) return;
  state_ = State::kMalformed;
  note_error(code_of(error));
  append_goaway(error, replies_);
}

void Http2Answer::note_error(std::uint32_t code) {
  error_ = static_cast<std::uint8_t>(std::min<std::uint32_t>(code, UINT8_MAX));
  has_error_ = true;
}

void Http2Answer::reply(const FrameHead& head, std::string_view payload) {
  if (replies_.size() + kFrameHeadBytes + payload.size() > kMaxReplyBytes) return fail(Http2Error::kEnhanceYourCalm);
  append_frame(head, payload, replies_);
}

}  // namespace streaming
