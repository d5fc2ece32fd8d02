// SPDX-License-Identifier: Apache-2.0
// The frames of HTTP/2 (RFC 9113, sections 4 and 6), as far as the module and the daemon look at them. Constants and
// pure functions without a thread of their own.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace handoff_protocol {

inline constexpr std::size_t kFrameHeadBytes = 9;
inline constexpr std::uint32_t kMaxHttp2Window = 0x7fffffff;  // section 6.9.1
inline constexpr std::uint32_t kDefaultHttp2Window = 65'535;  // section 6.9.2
inline constexpr std::uint32_t kMinMaxFrameBytes = 1 << 14;  // section 6.5.2
inline constexpr std::uint32_t kMaxMaxFrameBytes = (1 << 24) - 1;
inline constexpr std::uint32_t kMaxHttp2Stream = 0x7fffffff;  // section 5.1.1

enum class FrameType : std::uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kRstStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};

// Flags. The meaning depends on the frame's type.
inline constexpr std::uint8_t kEndStream = 0x1;   // DATA, HEADERS
inline constexpr std::uint8_t kAck = 0x1;         // SETTINGS, PING
inline constexpr std::uint8_t kEndHeaders = 0x4;  // HEADERS, CONTINUATION
inline constexpr std::uint8_t kPadded = 0x8;      // DATA, HEADERS

// Settings (section 6.5.2); each is 2 bytes of name and 4 of value.
inline constexpr std::size_t kSettingBytes = 6;
inline constexpr std::uint16_t kSettingInitialWindow = 4;
inline constexpr std::uint16_t kSettingMaxFrameBytes = 5;

// Error codes (section 7).
enum class Http2Error : std::uint32_t {
  kNoError = 0,
  kProtocolError = 1,
  kInternalError = 2,
  kFlowControlError = 3,
  kStreamClosed = 5,
  kFrameSizeError = 6,
  kRefusedStream = 7,
  kCancel = 8,
  kEnhanceYourCalm = 11,
};

struct FrameHead {
  std::uint32_t length = 0;  // of the payload, which follows the head; 24 bits
  FrameType type = FrameType::kData;
  std::uint8_t flags = 0;
  std::uint32_t stream = 0;  // 31 bits; the reserved one is dropped

  bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

inline std::uint32_t read_number(std::span<const std::uint8_t, 4> bytes) {
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

inline void write_number(std::uint32_t number, std::span<std::uint8_t, 4> bytes) {
  for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
}

inline FrameHead read_frame_head(std::span<const std::uint8_t, kFrameHeadBytes> bytes) {
  return {.length = std::uint32_t{bytes[0]} << 16 | std::uint32_t{bytes[1]} << 8 | bytes[2],
          .type = static_cast<FrameType>(bytes[3]),
          .flags = bytes[4],
          .stream = read_number(bytes.subspan<5, 4>()) & kMaxHttp2Stream};
}

inline std::array<std::uint8_t, kFrameHeadBytes> frame_head_bytes(const FrameHead& head) {
  std::array<std::uint8_t, kFrameHeadBytes> bytes{static_cast<std::uint8_t>(head.length >> 16),
                                                  static_cast<std::uint8_t>(head.length >> 8),
                                                  static_cast<std::uint8_t>(head.length),
                                                  static_cast<std::uint8_t>(head.type), head.flags};
  write_number(head.stream, std::span(bytes).subspan<5, 4>());
  return bytes;
}

}  // namespace handoff_protocol
