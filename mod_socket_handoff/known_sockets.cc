#include "mod_socket_handoff/known_sockets.h"

#include <cstring>
#include <utility>

namespace socket_handoff {

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

void KnownSockets::keep(const char* path, std::string_view resolved, int type, UniqueDescriptor file) {
  struct stat status;
  if (std::strlen(path) > kMaxSocketPathBytes || resolved.size() > kMaxResolvedBytes) return;
  if (::fstat(file.get(), &status) != 0) return;

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
  pthread_rwlock_unlock(&lock_);
}

}  // namespace socket_handoff
