// SPDX-License-Identifier: Apache-2.0
// HandedOver: the descriptors and the sender of one message, all of which is hostile. Owned by the receiver's call, or
// by the connection while the message is incomplete; on the worker's thread.

#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <optional>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "handoff/client.h"

namespace streaming {

// The protocol allows a client and a payload. The kernel closes descriptors that do not fit and sets MSG_CTRUNC.
inline constexpr std::size_t kMostDescriptors = 2;
// Room for the sender's credentials, which come first, and the descriptors.
inline constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(ucred)) + CMSG_LEN(kMostDescriptors * sizeof(int));

struct HandedOver {
  Client client;          // its socket is a stream socket; none if the message is a reservation
  UniqueFd payload_file;  // holds the payload if the message does not; not checked yet
  // The sender, by the kernel's report. Empty if the connection was made before SO_PASSCRED was set.
  std::optional<ucred> sender;
};

// Takes the client and the payload's file out of a received message and closes all other descriptors. The Error names
// what is wrong with the message.
Result<HandedOver> take_descriptors(const msghdr& message);

// Likewise of a reservation, which has no client. The Error's code is EMFILE if a descriptor found no room.
Result<HandedOver> take_payload_file(const msghdr& message);

// Closes every descriptor of a later part of a message, which must not have any. False if there was none.
bool close_descriptors(const msghdr& message);

// Limits the bytes that the kernel keeps unsent for a client, and how long it waits for the client's acknowledgement.
// By default it keeps megabytes: a slow client would then seem to read nothing for minutes. And it waits a quarter of
// an hour for a client that is gone, whose answer is still paid for; `timeout` is enough. Other
// sockets have neither limit: the result is whether this is one of TCP.
bool limit_unsent_and_unacknowledged(int client, Duration timeout);

}  // namespace streaming
