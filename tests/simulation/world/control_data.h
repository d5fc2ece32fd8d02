// SPDX-License-Identifier: Apache-2.0
// The control data of messages on Unix sockets: descriptors, and the sender's credentials.

#pragma once

#include <sys/socket.h>

#include <memory>
#include <vector>

#include "simulation/world/file.h"
#include "simulation/world/kernel.h"

namespace streaming::simulation {

// As the kernel writes it to who receives the message: the sender's credentials first, then descriptors of `files`. What
// finds no room is dropped, and MSG_CTRUNC says so.
void put_control_data(ProcessFiles& process, msghdr& message, std::vector<std::shared_ptr<File>> files,
                      bool with_credentials);

// Of a message that is sent: the file of its only descriptor; null if there is none.
std::shared_ptr<File> sent_file(const ProcessFiles& process, const msghdr& message);

}  // namespace streaming::simulation
