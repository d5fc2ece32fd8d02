// What came with one message of the hand-off socket. Everything in it is hostile.

#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>

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

}  // namespace streaming
