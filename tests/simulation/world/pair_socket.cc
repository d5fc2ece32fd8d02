// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/pair_socket.h"

#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cstring>

#include "simulation/world/control_data.h"

namespace streaming::simulation {
namespace {

constexpr std::size_t kPairCapacity = 64 * 1024;

}  // namespace

std::pair<std::shared_ptr<PairSocket>, std::shared_ptr<PairSocket>> PairSocket::make(Kernel& kernel, int type) {
  auto one = std::make_shared<PairSocket>(kernel, type);
  auto other = std::make_shared<PairSocket>(kernel, type);
  one->peer_ = other;
  other->peer_ = one;
  return {std::move(one), std::move(other)};
}

PairSocket::~PairSocket() {
  const std::shared_ptr<PairSocket> peer = peer_.lock();
  if (peer == nullptr) return;
  peer->at_end_ = true;
  if (!received_.empty()) peer->error_ = ECONNRESET;
  peer->changed();
}

std::size_t PairSocket::queued() const {
  std::size_t bytes = 0;
  for (const Message& message : received_) bytes += message.bytes.size();
  return bytes;
}

std::size_t PairSocket::receivable() const {
  return received_.empty() ? 0 : received_.front().bytes.size();
}

short PairSocket::events() const {
  const std::shared_ptr<PairSocket> peer = peer_.lock();
  int events = 0;
  if (!received_.empty()) events |= POLLIN;
  if (at_end_) events |= POLLIN | POLLRDHUP;
  if (peer == nullptr || (at_end_ && shut_)) events |= POLLHUP | POLLIN | POLLRDHUP;
  if (error_ != 0) events |= POLLERR;
  if (peer == nullptr || peer->queued() * 2 <= kPairCapacity) events |= POLLOUT;
  return static_cast<short>(events);
}

std::int64_t PairSocket::send_message(std::span<const char> bytes, std::shared_ptr<File> file) {
  const std::shared_ptr<PairSocket> peer = peer_.lock();
  if (error_ != 0) return -std::exchange(error_, 0);
  if (peer == nullptr || shut_) return -EPIPE;
  std::size_t taken = std::min(bytes.size(), kPairCapacity - std::min(kPairCapacity, peer->queued()));
  if (taken == 0 || (type_ == SOCK_SEQPACKET && taken < bytes.size())) return -EAGAIN;
  if (type_ == SOCK_STREAM && taken > 1 && kernel_.faults.short_send.strikes(kernel_.random)) {
    taken = kernel_.random.between(1, taken - 1);
  }
  peer->received_.push_back({std::string(bytes.data(), taken), std::move(file)});
  // The other process gets to it a moment later.
  kernel_.scheduler.after_ns(static_cast<std::int64_t>(kernel_.random.between(1, 50)) * kUs,
                             [weak = std::weak_ptr<PairSocket>(peer)] {
                               if (const auto receiver = weak.lock()) receiver->changed();
                             });
  return static_cast<std::int64_t>(taken);
}

std::int64_t PairSocket::receive(std::span<char> room) {
  if (received_.empty()) {
    if (error_ != 0) return -std::exchange(error_, 0);
    return at_end_ || peer_.expired() ? 0 : -EAGAIN;
  }
  std::string& first = received_.front().bytes;
  const std::size_t taken = std::min(room.size(), first.size());
  std::memcpy(room.data(), first.data(), taken);
  first.erase(0, taken);
  if (first.empty() || type_ == SOCK_SEQPACKET) received_.pop_front();
  if (const auto peer = peer_.lock()) peer->changed();
  return static_cast<std::int64_t>(taken);
}

std::int64_t PairSocket::receive_message(std::span<char> room, msghdr& message) {
  message.msg_flags = 0;
  std::vector<std::shared_ptr<File>> files;
  if (!received_.empty() && received_.front().file != nullptr) files.push_back(std::move(received_.front().file));
  const std::int64_t result = receive(room);
  if (result >= 0) put_control_data(*kernel_.process, message, std::move(files), false);
  return result;
}

std::int64_t PairSocket::shutdown(int how) {
  if (how != SHUT_RD) {
    shut_ = true;
    if (const auto peer = peer_.lock()) {
      peer->at_end_ = true;
      peer->changed();
    }
  }
  if (how != SHUT_WR) at_end_ = true;
  changed();
  return 0;
}

std::int64_t PairSocket::unacknowledged() {
  const auto peer = peer_.lock();
  return peer == nullptr ? 0 : static_cast<std::int64_t>(peer->queued());
}

std::int64_t PairSocket::set_option(int level, int, const void*, socklen_t) {
  return level == IPPROTO_TCP ? -EOPNOTSUPP : 0;
}

std::int64_t PairSocket::option(int, int option, void* value, socklen_t& length) {
  const int answer = option == SO_TYPE ? type_ : 0;
  std::memcpy(value, &answer, sizeof answer);
  length = sizeof answer;
  return 0;
}

}  // namespace streaming::simulation
