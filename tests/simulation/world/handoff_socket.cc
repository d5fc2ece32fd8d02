// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/handoff_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "simulation/world/control_data.h"
#include "simulation/world/link.h"

namespace streaming::simulation {
namespace {

constexpr std::int64_t kReadNs = 30'000;  // from a message of the daemon until its peer reads it

std::int64_t put_int(int answer, void* value, socklen_t& length) {
  if (length < sizeof answer) return -EINVAL;
  std::memcpy(value, &answer, sizeof answer);
  length = sizeof answer;
  return 0;
}

UniqueFd make_memfd(const HandedFile& file) {
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
  UniqueFd memory(memfd_create("payload", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  CHECK(memory && ::pwrite(memory.get(), file.contents.data(), file.contents.size(), 0) ==
                      static_cast<ssize_t>(file.contents.size()));
  if (file.is_sealed) CHECK(fcntl(memory.get(), F_ADD_SEALS, kSeals) == 0);
  return memory;
}

}  // namespace

// --- Files ----------------------------------------------------------------------------------------------------------

int RealFile::copy() const {
  return fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0);
}

std::int64_t OtherFile::option(int level, int option, void* value, socklen_t& length) {
  if (type_ == 0) return -ENOTSOCK;
  if (level == SOL_SOCKET && option == SO_TYPE) return put_int(type_, value, length);
  if (level == SOL_SOCKET && option == SO_ACCEPTCONN) return put_int(listens_ ? 1 : 0, value, length);
  return put_int(0, value, length);
}

std::shared_ptr<File> HandoffLink::make_file(const HandedFile& file) {
  switch (file.kind) {
    case HandedFile::Kind::kTcp:
    case HandedFile::Kind::kUnixPair: {
      const bool tcp = file.kind == HandedFile::Kind::kTcp;
      auto socket = std::make_shared<StreamSocket>(kernel_, tcp ? AF_INET : AF_UNIX);
      Link::open(kernel_, tcp ? Link::Kind::kTcp : Link::Kind::kUnix, *socket, *file.peer, nullptr);
      return socket;
    }
    case HandedFile::Kind::kMemfd:
      return std::make_shared<RealFile>(make_memfd(file));
    case HandedFile::Kind::kPipe:
      return std::make_shared<OtherFile>(0, false);
    case HandedFile::Kind::kDatagram:
      return std::make_shared<OtherFile>(SOCK_DGRAM, false);
    case HandedFile::Kind::kListener:
      return std::make_shared<OtherFile>(SOCK_STREAM, true);
  }
  return nullptr;
}

// --- The peer's calls -----------------------------------------------------------------------------------------------

void HandoffLink::send(std::string_view bytes, std::vector<HandedFile> files) {
  Message message{std::string(bytes), 0, {}};
  for (const HandedFile& file : files) message.files.push_back(make_file(file));
  own_files_.insert(own_files_.end(), message.files.begin(), message.files.end());
  if (shut_ || daemon_closed_ || peer_closed_) return;
  kernel_.trace.note("handoff {}: message of {} bytes, {} files", number_, bytes.size(), files.size());
  to_daemon_.push_back(std::move(message));
  notify_daemon();
}

void HandoffLink::shutdown_write() {
  shut_ = true;
  notify_daemon();
}

void HandoffLink::close() {
  if (std::exchange(peer_closed_, true)) return;
  shut_ = true;
  if (socket_ != nullptr && !to_peer_.empty()) socket_->error_ = ECONNRESET;
  to_peer_.clear();
  notify_daemon();
  hand_later();
}

void HandoffLink::set_reading(bool reading) {
  reading_ = reading;
  if (reading) hand_later();
}

void HandoffLink::notify_daemon() {
  if (socket_ != nullptr) socket_->changed();
}

// --- Towards the peer -----------------------------------------------------------------------------------------------

void HandoffLink::close_daemon_end() {
  mishaps_.was_killed = mishaps_.was_killed || kernel_.killing;
  socket_ = nullptr;
  daemon_closed_ = true;
  unread_ = !to_daemon_.empty();
  to_daemon_.clear();
  hand_later();
}

void HandoffLink::hand_later() {
  if (std::exchange(handing_, true)) return;
  kernel_.scheduler.after_ns(kReadNs + static_cast<std::int64_t>(kernel_.random.below(kReadNs)),
                             [link = shared_from_this()] { link->hand_to_peer(); });
}

void HandoffLink::hand_to_peer() {
  handing_ = false;
  while (reading_ && !peer_closed_ && !to_peer_.empty()) {
    const std::string message = std::move(to_peer_.front());
    to_peer_.pop_front();
    peer_.on_message(message);
  }
  const bool at_end = reading_ && !peer_closed_ && to_peer_.empty() && daemon_closed_;
  if (at_end && !std::exchange(peer_at_end_, true)) peer_.on_end_of_file(!unread_);
  if (!peer_closed_ || !daemon_closed_ || std::exchange(told_, true)) return;
  kernel_.trace.note("handoff {} is over", number_);
  peer_.on_closed();
  own_files_.clear();
  kernel_.handoffs.erase(number_);
}

// --- The daemon's end -----------------------------------------------------------------------------------------------

HandoffSocket::HandoffSocket(Kernel& kernel, std::shared_ptr<HandoffLink> link) : kernel_(kernel), link_(std::move(link)) {
  link_->socket_ = this;
}

HandoffSocket::~HandoffSocket() {
  link_->close_daemon_end();
}

short HandoffSocket::events() const {
  int events = POLLOUT;
  if (!link_->to_daemon_.empty()) events |= POLLIN;
  if (link_->shut_) events |= POLLIN | POLLRDHUP;
  if (link_->peer_closed_) events |= POLLHUP;
  if (error_ != 0) events |= POLLERR;
  return static_cast<short>(events);
}

std::int64_t HandoffSocket::send(std::span<const char> bytes) {
  if (error_ != 0) return -std::exchange(error_, 0);
  if (link_->peer_closed_) return -EPIPE;
  if (kernel_.faults.full_socket.strikes(kernel_.random)) return -EAGAIN;
  link_->to_peer_.emplace_back(bytes.data(), bytes.size());
  link_->hand_later();
  return static_cast<std::int64_t>(bytes.size());
}

// The kernel looks first for a message and then for the peer's end, so that a peer who sends and closes in between is at
// its end before its message. Once: the next look at it finds the message.
std::int64_t HandoffSocket::receive_message(std::span<char> room, msghdr& message) {
  message.msg_flags = 0;
  std::deque<HandoffLink::Message>& queue = link_->to_daemon_;
  const bool early_end = link_->type_ == SOCK_SEQPACKET && queue.size() == 1 && link_->peer_closed_ && error_ == 0 &&
                         !early_end_reported_ && kernel_.faults.early_end.strikes(kernel_.random);
  if (early_end) kernel_.coverage.count("fault", "end before the message");
  early_end_reported_ = early_end_reported_ || early_end;
  if (queue.empty() || early_end) {
    if (error_ != 0) return -std::exchange(error_, 0);
    if (!link_->shut_) return -EAGAIN;
    put_control_data(*kernel_.process, message, {}, true);
    return 0;
  }
  HandoffLink::Message& first = queue.front();
  const std::size_t left = first.bytes.size() - first.taken;
  std::size_t taken = std::min(left, room.size());
  const bool stream = link_->type_ == SOCK_STREAM;
  if (stream && taken > 1 && kernel_.faults.split_arrival.strikes(kernel_.random)) {
    taken = kernel_.random.between(1, taken - 1);
  }
  std::memcpy(room.data(), first.bytes.data() + first.taken, taken);
  first.taken += taken;
  put_control_data(*kernel_.process, message, std::exchange(first.files, {}), true);
  if ((message.msg_flags & MSG_CTRUNC) != 0) link_->peer().on_file_lost();
  if (!stream && taken < left) message.msg_flags |= MSG_TRUNC;
  if (!stream || first.taken == first.bytes.size()) queue.pop_front();
  return static_cast<std::int64_t>(taken);
}

std::int64_t HandoffSocket::option(int, int option, void* value, socklen_t& length) {
  return put_int(option == SO_TYPE ? link_->type_ : 0, value, length);
}

// --- Listening ------------------------------------------------------------------------------------------------------

bool ListeningSocket::connect(HandoffPeer& peer) {
  if (shut_ || waiting_.size() > backlog_) return false;
  const auto link = std::make_shared<HandoffLink>(kernel_, peer, type_);
  kernel_.handoffs.emplace(link->number(), link);
  kernel_.trace.note("handoff {} connects", link->number());
  waiting_.push_back(link);
  peer.on_open(*link);
  changed();
  return true;
}

short ListeningSocket::events() const {
  return waiting_.empty() ? 0 : POLLIN;
}

std::shared_ptr<File> ListeningSocket::accept(int& error) {
  error = shut_ ? EINVAL : EAGAIN;
  if (waiting_.empty()) return nullptr;
  const std::shared_ptr<HandoffLink> link = std::move(waiting_.front());
  waiting_.pop_front();
  return std::make_shared<HandoffSocket>(kernel_, link);
}

std::int64_t ListeningSocket::shutdown(int) {
  shut_ = true;
  changed();
  return 0;
}

void ListeningSocket::close_waiting() {
  for (const std::shared_ptr<HandoffLink>& link : std::exchange(waiting_, {})) link->close_daemon_end();
}

std::int64_t ListeningSocket::option(int, int option, void* value, socklen_t& length) {
  return put_int(option == SO_TYPE ? type_ : option == SO_ACCEPTCONN ? 1 : 0, value, length);
}

}  // namespace streaming::simulation
