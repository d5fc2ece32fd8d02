// SPDX-License-Identifier: Apache-2.0
// Sends a message and a descriptor over a Unix socket.

#pragma once

#include <sys/types.h>

#include <string_view>

namespace streaming {

// As sendmsg(): the number of bytes, or -1 and errno. The receiver gets a copy of `descriptor`.
ssize_t send_descriptor(int socket, std::string_view message, int descriptor, int flags);

}  // namespace streaming
