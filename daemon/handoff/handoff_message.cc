// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff_message.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "handoff/limits.h"

namespace streaming {
namespace {

constexpr std::string_view kNoRoom = "this process has no room for a descriptor; raise its limit of open files";

// A sender may have set SO_LINGER, and then our close() would block the worker. Reset it for every descriptor, even for
// those that are closed at once.
void never_linger(int fd) {
  constexpr linger kOff{0, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &kOff, sizeof kOff);
}

std::vector<UniqueFd> received_descriptors(const msghdr& message) {
  std::vector<UniqueFd> descriptors;
  auto& header = const_cast<msghdr&>(message);  // CMSG_NXTHDR takes no const
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
      never_linger(fd);
      descriptors.emplace_back(fd);
    }
  }
  return descriptors;
}

std::optional<ucred> sender_of(const msghdr& message) {
  auto& header = const_cast<msghdr&>(message);
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    ucred sender{};
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_CREDENTIALS ||
        control->cmsg_len != CMSG_LEN(sizeof sender)) {
      continue;
    }
    std::memcpy(&sender, CMSG_DATA(control), sizeof sender);
    return sender;
  }
  return std::nullopt;
}

Result<int> client_option(int fd, int option) {
  int value = 0;
  socklen_t length = sizeof value;
  if (getsockopt(fd, SOL_SOCKET, option, &value, &length) != 0) {
    return Error::from_errno("the descriptor is not a socket", errno);
  }
  return value;
}

Status check_client(int fd) {
  const Result<int> type = client_option(fd, SO_TYPE);
  if (!type) return type.error();
  if (*type != SOCK_STREAM) return Error{"the descriptor is not a stream socket"};
  const Result<int> listening = client_option(fd, SO_ACCEPTCONN);
  if (!listening) return listening.error();
  if (*listening != 0) return Error{"the descriptor is a listening socket"};
  return success();
}

}  // namespace

Result<HandedOver> take_descriptors(const msghdr& message) {
  std::vector<UniqueFd> descriptors = received_descriptors(message);
  // A message without credentials leaves room for more than two.
  const bool cut = (message.msg_flags & MSG_CTRUNC) != 0;
  if (descriptors.size() > kMostDescriptors || (cut && descriptors.size() == kMostDescriptors)) {
    return Error{"more than two descriptors"};
  }
  if (cut) return Error{std::string(kNoRoom)};
  if (descriptors.empty()) return Error{"no descriptor"};
  HandedOver handed_over{{.socket = std::move(descriptors[0])}, {}, sender_of(message)};
  if (descriptors.size() == 2) handed_over.payload_file = std::move(descriptors[1]);
  if (Status checked = check_client(handed_over.client.socket.get()); !checked) return checked.error();
  return handed_over;
}

Result<HandedOver> take_payload_file(const msghdr& message) {
  std::vector<UniqueFd> descriptors = received_descriptors(message);
  if (descriptors.size() > 1) return Error{"a reservation has more descriptors than its payload's"};
  if ((message.msg_flags & MSG_CTRUNC) != 0) return Error{std::string(kNoRoom), EMFILE};
  HandedOver handed_over{{}, {}, sender_of(message)};
  if (!descriptors.empty()) handed_over.payload_file = std::move(descriptors[0]);
  return handed_over;
}

bool close_descriptors(const msghdr& message) {
  return !received_descriptors(message).empty() || (message.msg_flags & MSG_CTRUNC) != 0;
}

bool limit_unsent_and_unacknowledged(int client, Duration timeout) {
  const auto timeout_ms = static_cast<unsigned>(timeout.count());
  if (setsockopt(client, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof timeout_ms) != 0) return false;
  setsockopt(client, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kClientUnsentBytes, sizeof kClientUnsentBytes);
  return true;
}

}  // namespace streaming
