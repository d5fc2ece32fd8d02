#include "mod_socket_handoff/handoff_message.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstring>

#include "mod_socket_handoff/deadline.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

class Message {
 public:
  Message(std::span<const char> payload, int client)
      : data_{const_cast<char*>(payload.data()), payload.size()} {  // sendmsg() only reads
    header_.msg_iov = &data_;
    header_.msg_iovlen = 1;
    header_.msg_control = control_;
    header_.msg_controllen = sizeof control_;
    cmsghdr* rights = CMSG_FIRSTHDR(&header_);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof client);
    std::memcpy(CMSG_DATA(rights), &client, sizeof client);
  }

  const msghdr* header() const { return &header_; }
  bool is_sent() const { return data_.iov_len == 0; }

  void on_sent(std::size_t bytes) {
    data_.iov_base = static_cast<char*>(data_.iov_base) + bytes;
    data_.iov_len -= bytes;
    header_.msg_control = nullptr;  // the descriptor went with the first byte
    header_.msg_controllen = 0;
  }

 private:
  iovec data_;
  msghdr header_ = {};
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))] = {};
};

bool wait_until_writable(int daemon, const Deadline& deadline) {
  pollfd poll = {.fd = daemon, .events = POLLOUT, .revents = 0};
  int ready;
  do {
    ready = ::poll(&poll, 1, deadline.remaining_ms());
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

}  // namespace

SendResult send_handoff(int daemon, int client, std::span<const char> payload, std::chrono::milliseconds time_allowed) {
  if (payload.empty()) payload = {&handoff_protocol::kNoPayload, 1};
  const Deadline deadline(time_allowed);
  Message message(payload, client);
  SendResult result;
  // One turn of the loop to a SOCK_SEQPACKET daemon; a SOCK_STREAM one may take the payload in pieces.
  while (!message.is_sent()) {
    const ssize_t sent = ::sendmsg(daemon, message.header(), MSG_NOSIGNAL);
    if (sent >= 0) {
      result.client_is_gone = true;
      message.on_sent(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      if (!wait_until_writable(daemon, deadline)) {
        result.error = ETIMEDOUT;
        return result;
      }
    } else if (errno != EINTR) {
      result.error = errno;
      return result;
    }
  }
  return result;
}

}  // namespace socket_handoff
