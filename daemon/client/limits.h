// SPDX-License-Identifier: Apache-2.0
// The limits of clients' HTTP/2 connections. Each comment says what happens at the limit.

#pragma once

#include <cstddef>
#include <cstdint>

#include "protocol/http2_frames.h"

namespace streaming {

// The payload of a frame to a client. Every client takes so much (RFC 9113, section 4.2), and larger ones would save
// nothing. Longer text becomes several frames.
inline constexpr std::size_t kMaxSentFrameBytes = handoff_protocol::kMinMaxFrameBytes;

// The payload of a client's frame. Apache announces no other SETTINGS_MAX_FRAME_SIZE than this, which is the default.
// Over it: FRAME_SIZE_ERROR.
inline constexpr std::size_t kMaxReceivedFrameBytes = handoff_protocol::kMinMaxFrameBytes;

// What a client may send that its answer does not ask for. Each frame costs one unit, and each receive one for every
// KiB that it has begun. A DATA frame that is sent to the client earns kEarnedPerFrame units, and one for
// kBytesPerUnit bytes, so that the WINDOW_UPDATEs of a long answer cost nothing in the end. Without a unit left:
// ENHANCE_YOUR_CALM.
inline constexpr std::uint16_t kMostUnits = 10'000;
inline constexpr std::size_t kEarnedPerFrame = 4;
inline constexpr std::size_t kBytesPerUnit = 256;

// Replies that wait because the client does not read. Over it: ENHANCE_YOUR_CALM.
inline constexpr std::size_t kMaxReplyBytes = 16 * 1024;

}  // namespace streaming
