// SPDX-License-Identifier: Apache-2.0
// The limits of the text that a client gets. Each comment says what happens at the limit.

#pragma once

#include <cstddef>

namespace streaming {

// Tool calls of one answer, and bytes of their inputs, that are kept if the client must get each input complete
// (ui-message). Over either: the stream ends with an error event.
inline constexpr std::size_t kMaxToolCalls = 128;
inline constexpr std::size_t kMaxToolInputBytes = 1024 * 1024;

// How long an EventSource waits after an error event before it asks again, if the failure itself names no time.
inline constexpr int kReconnectAfterErrorSeconds = 30;

}  // namespace streaming
