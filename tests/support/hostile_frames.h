// SPDX-License-Identifier: Apache-2.0
// What an HTTP/2 client can send that breaks the protocol (RFC 9113), each mistake with the code that it gets: what
// h2spec tries on a server that has answered nothing yet, and more. Of a connection in the state kState.

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/connection_part.h"
#include "protocol/http2_frames.h"

namespace streaming::hostile {

using handoff_protocol::FrameType;
using handoff_protocol::kAck;
using handoff_protocol::kEndHeaders;
using handoff_protocol::kPadded;

inline constexpr std::uint32_t kStream = 5;    // of the answer
inline constexpr std::uint32_t kHighest = 9;   // ended in Apache, as those between
inline constexpr std::uint32_t kRefused = 11;  // not opened yet
inline constexpr std::uint8_t kHasPriority = 0x20;  // HEADERS
inline constexpr FrameType kUnknown{77};
inline constexpr handoff_protocol::Http2State kState{.stream = kStream,
                                                     .highest_stream = kHighest,
                                                     .connection_window = 65'535,
                                                     .stream_window = 65'535,
                                                     .initial_window = 65'535,
                                                     .max_frame_bytes = 16'384};

inline std::string frame(FrameType type, std::uint32_t stream, std::string_view payload = {}, std::uint8_t flags = 0) {
  const auto head = handoff_protocol::frame_head_bytes(
      {.length = static_cast<std::uint32_t>(payload.size()), .type = type, .flags = flags, .stream = stream});
  return std::string(head.begin(), head.end()) + std::string(payload);
}

inline std::string number(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

inline std::string setting(std::uint16_t name, std::uint32_t value) {
  return frame(FrameType::kSettings, 0,
               std::string{static_cast<char>(name >> 8), static_cast<char>(name)} + number(value));
}

inline std::string headers(std::uint32_t stream, std::uint8_t flags = kEndHeaders) {
  return frame(FrameType::kHeaders, stream, "\x82", flags);
}

inline std::string update(std::uint32_t stream, std::uint32_t bytes) {
  return frame(FrameType::kWindowUpdate, stream, number(bytes));
}

inline std::string reset(std::uint32_t stream) {
  return frame(FrameType::kRstStream, stream, number(8));
}

struct Mistake {
  const char* what;
  std::string bytes;
  std::string_view code;
};

inline const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> all{
      {"DATA too long", frame(FrameType::kData, kHighest, std::string(16'385, 'x')), "FRAME_SIZE_ERROR"},
      {"HEADERS too long", frame(FrameType::kHeaders, kRefused, std::string(16'385, 'x'), kEndHeaders),
       "FRAME_SIZE_ERROR"},
      {"an unknown frame too long", frame(kUnknown, 0, std::string(16'385, 'x')), "FRAME_SIZE_ERROR"},
      {"the preface again", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "FRAME_SIZE_ERROR"},
      {"HTTP/1.1", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "FRAME_SIZE_ERROR"},
      {"DATA on stream 0", frame(FrameType::kData, 0), "PROTOCOL_ERROR"},
      {"DATA on an idle stream", frame(FrameType::kData, kRefused), "PROTOCOL_ERROR"},
      {"DATA on the server's stream", frame(FrameType::kData, 2), "PROTOCOL_ERROR"},
      {"DATA behind the request's end", frame(FrameType::kData, kStream, "x"), "STREAM_CLOSED"},
      {"padding longer than DATA", frame(FrameType::kData, kHighest, "\x05xxxx", kPadded), "PROTOCOL_ERROR"},
      {"padded DATA without a length", frame(FrameType::kData, kHighest, "", kPadded), "FRAME_SIZE_ERROR"},
      {"HEADERS on stream 0", headers(0), "PROTOCOL_ERROR"},
      {"HEADERS on the server's stream", headers(12), "PROTOCOL_ERROR"},
      {"HEADERS behind the request's end", headers(kStream), "STREAM_CLOSED"},
      {"padding longer than HEADERS", frame(FrameType::kHeaders, kRefused, "\x02x", kPadded | kEndHeaders),
       "PROTOCOL_ERROR"},
      {"padded HEADERS without a length", frame(FrameType::kHeaders, kRefused, "", kPadded | kEndHeaders),
       "FRAME_SIZE_ERROR"},
      {"HEADERS too short for their priority", frame(FrameType::kHeaders, kRefused, "1234", kHasPriority | kEndHeaders),
       "FRAME_SIZE_ERROR"},
      {"padded HEADERS too short for their priority",
       frame(FrameType::kHeaders, kRefused, std::string("\0" "1234", 5), kPadded | kHasPriority | kEndHeaders),
       "FRAME_SIZE_ERROR"},
      {"PRIORITY on stream 0", frame(FrameType::kPriority, 0, "12345"), "PROTOCOL_ERROR"},
      {"PRIORITY of four bytes", frame(FrameType::kPriority, 1, "1234"), "FRAME_SIZE_ERROR"},
      {"RST_STREAM on stream 0", reset(0), "PROTOCOL_ERROR"},
      {"RST_STREAM on an idle stream", reset(kRefused), "PROTOCOL_ERROR"},
      {"RST_STREAM of three bytes", frame(FrameType::kRstStream, kStream, "123"), "FRAME_SIZE_ERROR"},
      {"SETTINGS on a stream", frame(FrameType::kSettings, kStream), "PROTOCOL_ERROR"},
      {"SETTINGS of seven bytes", frame(FrameType::kSettings, 0, "1234567"), "FRAME_SIZE_ERROR"},
      {"SETTINGS that acknowledge with a payload", frame(FrameType::kSettings, 0, "123456", kAck), "FRAME_SIZE_ERROR"},
      {"ENABLE_PUSH of 2", setting(2, 2), "PROTOCOL_ERROR"},
      {"INITIAL_WINDOW_SIZE of 2^31", setting(4, 0x80000000), "FLOW_CONTROL_ERROR"},
      {"INITIAL_WINDOW_SIZE that overflows the window", update(kStream, 1000) + setting(4, 0x7fffffff),
       "FLOW_CONTROL_ERROR"},
      {"MAX_FRAME_SIZE below 2^14", setting(5, 16'383), "PROTOCOL_ERROR"},
      {"MAX_FRAME_SIZE above 2^24 - 1", setting(5, 1 << 24), "PROTOCOL_ERROR"},
      {"PUSH_PROMISE", frame(FrameType::kPushPromise, kStream, number(2)), "PROTOCOL_ERROR"},
      {"PING on a stream", frame(FrameType::kPing, kStream, "12345678"), "PROTOCOL_ERROR"},
      {"PING of seven bytes", frame(FrameType::kPing, 0, "1234567"), "FRAME_SIZE_ERROR"},
      {"GOAWAY on a stream", frame(FrameType::kGoaway, kStream, number(0) + number(0)), "PROTOCOL_ERROR"},
      {"GOAWAY of seven bytes", frame(FrameType::kGoaway, 0, "1234567"), "FRAME_SIZE_ERROR"},
      {"WINDOW_UPDATE of three bytes", frame(FrameType::kWindowUpdate, 0, "123"), "FRAME_SIZE_ERROR"},
      {"WINDOW_UPDATE by 0", update(0, 0), "PROTOCOL_ERROR"},
      {"WINDOW_UPDATE of the stream by 0", update(kStream, 0), "PROTOCOL_ERROR"},
      {"WINDOW_UPDATE on an idle stream", update(kRefused, 1), "PROTOCOL_ERROR"},
      {"a connection's window above 2^31 - 1", update(0, 0x7fffffff), "FLOW_CONTROL_ERROR"},
      {"a stream's window above 2^31 - 1", update(kStream, 0x7fffffff), "FLOW_CONTROL_ERROR"},
      {"CONTINUATION on stream 0", frame(FrameType::kContinuation, 0, "x", kEndHeaders), "PROTOCOL_ERROR"},
      {"CONTINUATION of the request", frame(FrameType::kContinuation, kStream, "x", kEndHeaders), "PROTOCOL_ERROR"},
      {"CONTINUATION of nothing", frame(FrameType::kContinuation, kRefused, "x"), "PROTOCOL_ERROR"},
      {"a frame within a header block", headers(kRefused, 0) + update(0, 1), "PROTOCOL_ERROR"},
      {"HEADERS within a header block", headers(kRefused, 0) + headers(kRefused + 2), "PROTOCOL_ERROR"},
      {"an unknown frame within a header block", headers(kRefused, 0) + frame(kUnknown, kRefused), "PROTOCOL_ERROR"},
      {"CONTINUATION of another stream", headers(kRefused, 0) + frame(FrameType::kContinuation, kHighest, "x"),
       "PROTOCOL_ERROR"},
      {"CONTINUATION behind the last one", headers(kRefused, 0) +
       frame(FrameType::kContinuation, kRefused, "x", kEndHeaders) + frame(FrameType::kContinuation, kRefused, "x"),
       "PROTOCOL_ERROR"},
  };
  return all;
}

}  // namespace streaming::hostile
