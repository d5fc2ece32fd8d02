// What came with one message of the hand-off socket besides its payload. Everything in it is hostile.

#pragma once

#include <sys/socket.h>

#include <cstddef>

#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

// Room for two descriptors, the most that the protocol knows. The kernel closes what does not fit and sets MSG_CTRUNC.
inline constexpr std::size_t kControlBytes = CMSG_LEN(2 * sizeof(int));

// The client of a received message: a connected stream socket, alone. Every other descriptor in it is closed, whatever
// came. The Error says what was wrong with the message.
Result<UniqueFd> take_client(const msghdr& message);

}  // namespace streaming
