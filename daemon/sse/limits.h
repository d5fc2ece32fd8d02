// SPDX-License-Identifier: Apache-2.0
// The limits of the text that a client gets. Each comment says what happens at the limit.

#pragma once

#include <cstddef>

namespace streaming {

// What an answer's tool calls may hold if the client must get each input whole (ui-message). Over either: the stream
// ends with an error event.
inline constexpr std::size_t kMaxToolCalls = 128;
inline constexpr std::size_t kMaxToolInputBytes = 1024 * 1024;

}  // namespace streaming
