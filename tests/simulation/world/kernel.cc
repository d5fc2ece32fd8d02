// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/kernel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "simulation/world/handoff_socket.h"

namespace streaming::simulation {

int ProcessFiles::add(std::shared_ptr<File> file) {
  const auto free = std::find(files_.begin(), files_.end(), nullptr);
  const auto index = free - files_.begin();
  if (index >= most_) return -EMFILE;
  if (free == files_.end()) files_.emplace_back();
  files_[static_cast<std::size_t>(index)] = std::move(file);
  ++open_;
  return kFirstDescriptor + static_cast<int>(index);
}

std::shared_ptr<File> ProcessFiles::find(int fd) const {
  const auto index = static_cast<std::size_t>(fd - kFirstDescriptor);
  return fd >= kFirstDescriptor && index < files_.size() ? files_[index] : nullptr;
}

bool ProcessFiles::close(int fd) {
  if (find(fd) == nullptr) return false;
  --open_;
  std::exchange(files_[static_cast<std::size_t>(fd - kFirstDescriptor)], nullptr).reset();
  return true;
}

void ProcessFiles::note_killed() {
  for (const std::shared_ptr<File>& file : files_) {
    if (file != nullptr) file->note_killed();
  }
}

void ProcessFiles::close_all() {
  open_ = 0;
  for (std::shared_ptr<File>& file : files_) std::exchange(file, nullptr).reset();
}

const Kernel::Accept* Kernel::server_at(const std::string& address) const {
  const auto found = servers_.find(address);
  return found == servers_.end() ? nullptr : &found->second;
}

void Kernel::hand_over(HandoffPeer& peer) {
  const std::shared_ptr<ListeningSocket> listener = handoff_listener_.lock();
  if (listener && listener->connect(peer)) return;
  trace.note("a hand-off is refused: nobody listens");
  scheduler.after_ns(1000, [&peer] { peer.on_refused(); });
}

Kernel*& running_kernel() {
  static Kernel* running = nullptr;
  return running;
}

std::string address_text(const sockaddr& address, socklen_t length) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.sa_family == AF_INET && length >= sizeof(sockaddr_in)) {
    const auto& ip = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &ip.sin_addr, text.data(), text.size());
    return std::string(text.data()) + ":" + std::to_string(ntohs(ip.sin_port));
  }
  if (address.sa_family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    const auto& ip = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &ip.sin6_addr, text.data(), text.size());
    return "[" + std::string(text.data()) + "]:" + std::to_string(ntohs(ip.sin6_port));
  }
  if (address.sa_family == AF_UNIX) return reinterpret_cast<const sockaddr_un&>(address).sun_path;
  return {};
}

}  // namespace streaming::simulation
