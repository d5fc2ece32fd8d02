#include "mod_socket_handoff/known_sockets.h"

#include <cstring>
#include <utility>

namespace socket_handoff {
namespace {

// FNV-1a of what tells a file from all others.
std::uint64_t identity_of(const struct stat& status) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const std::uint64_t part :
       {static_cast<std::uint64_t>(status.st_dev), static_cast<std::uint64_t>(status.st_ino),
        static_cast<std::uint64_t>(status.st_ctim.tv_sec), static_cast<std::uint64_t>(status.st_ctim.tv_nsec)}) {
    for (int shift = 0; shift < 64; shift += 8) hash = (hash ^ ((part >> shift) & 0xff)) * 0x100000001b3;
  }
  return hash | 1;
}

}  // namespace

KnownSockets::Socket* KnownSockets::entry_of(const char* path) {
  for (Socket& socket : sockets_) {
    if (std::strcmp(socket.path, path) == 0) return &socket;
  }
  return nullptr;
}

KnownSockets::Lent KnownSockets::find(const char* path) {
  pthread_rwlock_rdlock(&lock_);
  const Socket* socket = *path ? entry_of(path) : nullptr;
  struct stat status;
  if (socket && ::stat(path, &status) == 0 && status.st_ino == socket->number && status.st_dev == socket->device) {
    return {&lock_, socket};
  }
  pthread_rwlock_unlock(&lock_);
  return {nullptr, nullptr};
}

std::uint64_t KnownSockets::keep(const char* path, std::string_view resolved, int type, UniqueDescriptor file) {
  struct stat status;
  if (std::strlen(path) > kMaxSocketPathBytes || resolved.size() > kMaxResolvedBytes) return 0;
  if (::fstat(file.get(), &status) != 0) return 0;

  pthread_rwlock_wrlock(&lock_);
  Socket* socket = entry_of(path);
  if (!socket) socket = entry_of("");
  if (!socket) socket = &sockets_[next_to_go_++ % kMaxKnown];
  std::strcpy(socket->path, path);
  socket->resolved[resolved.copy(socket->resolved, kMaxResolvedBytes)] = '\0';
  socket->file = std::move(file);
  socket->device = status.st_dev;
  socket->number = status.st_ino;
  socket->type = type;
  socket->identity = identity_of(status);
  const std::uint64_t identity = socket->identity;
  pthread_rwlock_unlock(&lock_);
  return identity;
}

}  // namespace socket_handoff
