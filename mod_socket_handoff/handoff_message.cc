// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/handoff_message.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "mod_socket_handoff/check.h"
#include "mod_socket_handoff/deadline.h"
#include "protocol/handoff_protocol.h"

namespace socket_handoff {
namespace {

void write_fact(JsonText& text, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  text.write(",\"");
  text.write(name);
  text.write("\":");
  text.write_string(value);
}

bool write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    SH_CHECK(static_cast<std::size_t>(written) <= text.size());
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

constexpr std::size_t kMaxDescriptors = 2;

// What a message takes from the send buffer besides its data; generous.
constexpr int kMessageOverhead = 4096;
// Every system's default send buffer has room for this.
constexpr std::size_t kMaxBytesOfAnyBuffer = 64 * 1024;

class Message {
 public:
  Message(const Payload& payload, std::span<const int> descriptors)
      : data_{part(payload.connection_part), part(payload.front), part(payload.rest)} {
    SH_CHECK(descriptors.size() <= kMaxDescriptors);
    header_.msg_iov = data_;
    header_.msg_iovlen = std::size(data_);
    if (descriptors.empty()) return;
    header_.msg_control = control_;
    header_.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* rights = CMSG_FIRSTHDR(&header_);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(rights), descriptors.data(), descriptors.size_bytes());
  }

  const msghdr* header() const { return &header_; }
  std::size_t size() const {
    std::size_t size = 0;
    for (const iovec& part : data_) size += part.iov_len;
    return size;
  }

  void on_sent(std::size_t bytes) {
    SH_CHECK(bytes > 0 && bytes <= size());
    for (iovec& part : data_) {
      const std::size_t of_this = std::min(bytes, part.iov_len);
      part.iov_base = static_cast<char*>(part.iov_base) + of_this;
      part.iov_len -= of_this;
      bytes -= of_this;
    }
    header_.msg_control = nullptr;  // the descriptors went with the first byte
    header_.msg_controllen = 0;
  }

 private:
  // The cast is safe: sendmsg() only reads.
  static iovec part(std::string_view text) { return {const_cast<char*>(text.data()), text.size()}; }

  iovec data_[3];
  msghdr header_ = {};
  alignas(cmsghdr) char control_[CMSG_SPACE(kMaxDescriptors * sizeof(int))] = {};
};

Payload no_payload(std::string_view connection_part) {
  return {.connection_part = connection_part, .front = {&handoff_protocol::kNoPayload, 1}, .rest = {}};
}

// A reservation leaves out the client, which would be the first.
std::span<const int> without_missing_client(std::span<const int> descriptors) {
  return descriptors.subspan(descriptors.front() == kNoClient ? 1 : 0);
}

// A SOCK_SEQPACKET message must fit into the send buffer as a whole.
void make_room(int daemon, std::size_t bytes) {
  if (bytes <= kMaxBytesOfAnyBuffer || bytes > handoff_protocol::kMaxInlinePayloadBytes) return;
  int room = 0;
  socklen_t length = sizeof room;
  const int needed = static_cast<int>(bytes) + kMessageOverhead;
  if (::getsockopt(daemon, SOL_SOCKET, SO_SNDBUF, &room, &length) == 0 && room >= needed) return;
  ::setsockopt(daemon, SOL_SOCKET, SO_SNDBUF, &needed, sizeof needed);  // as far as net.core.wmem_max allows
}

bool wait_until_writable(int daemon, const Deadline& deadline) {
  pollfd poll = {.fd = daemon, .events = POLLOUT, .revents = 0};
  int ready;
  do {
    ready = ::poll(&poll, 1, deadline.remaining_ms());
  } while (ready < 0 && errno == EINTR);
  return ready > 0;
}

// The pause after ETOOMANYREFS: too many descriptors of this user are on their way to daemons, which receive them one
// by one.
constexpr int kPauseForDescriptorsMs = 5;

// Whether to send again.
bool wait_after(int error, int daemon, const Deadline& deadline) {
  if (error == EINTR) return true;
  if (error == ETOOMANYREFS && !deadline.has_passed()) {
    ::poll(nullptr, 0, std::min(kPauseForDescriptorsMs, deadline.remaining_ms()));
    return true;
  }
  return error == EAGAIN && wait_until_writable(daemon, deadline);
}

SendResult send(int daemon, Message& message, std::chrono::milliseconds time_allowed) {
  const Deadline deadline(time_allowed);
  SendResult result;
  SH_CHECK(message.size() > 0);
  // One pass of the loop for a SOCK_SEQPACKET daemon; a SOCK_STREAM daemon may take the payload in pieces.
  while (message.size() > 0) {
    const ssize_t sent = ::sendmsg(daemon, message.header(), MSG_NOSIGNAL);
    if (sent >= 0) {
      result.client_is_gone = true;
      message.on_sent(static_cast<std::size_t>(sent));
    } else if (const int error = errno; !wait_after(error, daemon, deadline)) {
      result.error = error == EAGAIN ? ETIMEDOUT : error;
      break;
    }
  }
  SH_CHECK(result.error != 0 || (result.client_is_gone && message.size() == 0));
  return result;
}

}  // namespace

std::optional<std::string_view> rest_of_object(std::string_view payload) {
  if (!is_json_object(payload)) return std::nullopt;
  const std::size_t brace = payload.find('{');
  SH_CHECK(brace != std::string_view::npos);
  payload.remove_prefix(brace + 1);
  return payload;
}

void write_front(JsonText& text, const ApacheFacts& facts, std::string_view rest) {
  text.write("{\"apache\":{\"headers\":[");
  bool is_first = true;
  for (const HeaderField& header : facts.headers) {
    text.write(is_first ? "[" : ",[");
    text.write_string(header.name);
    text.write(",");
    text.write_string(header.value);
    text.write("]");
    is_first = false;
  }
  text.write("]");
  write_fact(text, "request_id", facts.request_id);
  write_fact(text, "client", facts.client);
  write_fact(text, "method", facts.method);
  write_fact(text, "uri", facts.uri);
  write_fact(text, "protocol", facts.protocol);
  write_fact(text, "last_event_id", facts.last_event_id);
  write_fact(text, "browser", facts.browser);
  text.write("}");
  if (!JsonScanner(rest).take('}')) text.write(",");
}

UniqueDescriptor make_payload_file(const Payload& payload) {
  UniqueDescriptor file(::memfd_create("socket-handoff", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file || !write_all(file.get(), payload.front) || !write_all(file.get(), payload.rest)) return {};
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) return {};
  return file;
}

WrittenConnectionPart::~WrittenConnectionPart() {
  explicit_bzero(part_.data(), part_.size());
}

SendResult send_handoff(int daemon, int client, const Payload& payload, std::chrono::milliseconds time_allowed) {
  const int descriptors[] = {client};
  Message message(payload.size() == 0 ? no_payload(payload.connection_part) : payload,
                  without_missing_client(descriptors));
  make_room(daemon, message.size());
  return send(daemon, message, time_allowed);
}

SendResult send_handoff_with_file(int daemon, int client, std::string_view connection_part, int file,
                                  std::chrono::milliseconds time_allowed) {
  const int descriptors[] = {client, file};
  Message message(no_payload(connection_part), without_missing_client(descriptors));
  return send(daemon, message, time_allowed);
}

SendResult PayloadSender::send(int daemon, int type, int client, std::chrono::milliseconds time_allowed) {
  // A daemon that listens on SOCK_STREAM does not expect a file, and a stream has no limit on the payload's size.
  if (type == SOCK_STREAM) return send_handoff(daemon, client, payload_, time_allowed);
  if (!file_ && payload_.connection_part.size() + payload_.size() <= handoff_protocol::kMaxInlinePayloadBytes) {
    const SendResult sent = send_handoff(daemon, client, payload_, time_allowed);
    if (sent.error != EMSGSIZE) return sent;  // a small net.core.wmem_max can cause EMSGSIZE
  }
  if (!file_) file_ = make_payload_file(payload_);
  if (!file_) return {.client_is_gone = false, .error = errno};
  return send_handoff_with_file(daemon, client, payload_.connection_part, file_.get(), time_allowed);
}

}  // namespace socket_handoff
