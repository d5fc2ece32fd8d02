// SPDX-License-Identifier: Apache-2.0
// The states of a stream and the moves between them. Pure.

#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace streaming {

enum class StreamState : std::uint8_t {
  kOpening,    // the backend was asked and has not said anything
  kStreaming,  // events come
  kDraining,   // nothing comes any more: what is queued goes out, then the client closes
  kClosing,    // what is in flight is cancelled, then the descriptor is closed
  kFree,
};

inline constexpr std::array<std::string_view, 5> kStreamStateNames{"opening", "streaming", "draining", "closing",
                                                                   "free"};

// A move that is not here is a programming error.
constexpr bool may_move(StreamState from, StreamState to) {
  switch (from) {
    case StreamState::kOpening:
      return to == StreamState::kStreaming || to == StreamState::kDraining || to == StreamState::kClosing;
    case StreamState::kStreaming:
      return to == StreamState::kDraining || to == StreamState::kClosing;
    case StreamState::kDraining:
      return to == StreamState::kClosing;
    case StreamState::kClosing:
      return to == StreamState::kFree;
    case StreamState::kFree:
      return false;
  }
  return false;
}

}  // namespace streaming
