// SPDX-License-Identifier: Apache-2.0
// What came with one message of the hand-off socket. Everything in it is hostile.

#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

// The most that the protocol knows: a client, and a payload. The kernel closes what does not fit and sets MSG_CTRUNC.
inline constexpr std::size_t kMostDescriptors = 2;
// The sender's credentials stand before them.
inline constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(ucred)) + CMSG_LEN(kMostDescriptors * sizeof(int));

struct HandedOver {
  UniqueFd client;        // a stream socket
  UniqueFd payload_file;  // where the payload is when the message does not hold it; not looked at yet
  // Who has sent it, as the kernel says; nothing where the connection was made before the socket asked for that.
  std::optional<ucred> sender;
};

// Takes what the protocol knows out of a received message and closes every other descriptor, whatever came. The Error
// says what was wrong with the message.
Result<HandedOver> take_descriptors(const msghdr& message);

// Closes every descriptor of a later part of a message, where none belongs; false when there was none.
bool close_descriptors(const msghdr& message);

// What the kernel keeps for a client that takes little, or nothing. Of what was not sent yet it would take megabytes,
// and have room again after minutes in which the client seems to take nothing. For an acknowledgement of what was sent
// it would wait a quarter of an hour, while an answer that nobody gets is paid for; `timeout` is enough. A Unix socket
// has neither.
void limit_unsent_and_unacknowledged(int client, Duration timeout);

}  // namespace streaming
