#include "mod_socket_handoff/known_sockets.h"

#include <cstring>
#include <utility>

namespace socket_handoff {
namespace {

bool is_file_of(const KnownSockets::Socket& socket, const struct stat& status) {
  return status.st_ino == socket.number && status.st_dev == socket.device;
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
  if (socket && ::stat(path, &status) == 0 && is_file_of(*socket, status)) {
    return {&lock_, socket};
  }
  pthread_rwlock_unlock(&lock_);
  return {nullptr, nullptr};
}

unsigned long KnownSockets::keep(const char* path, std::string_view resolved, int type, UniqueDescriptor file) {
  struct stat status;
  if (std::strlen(path) > kMaxSocketPathBytes || resolved.size() > kMaxResolvedBytes) return 0;
  if (::fstat(file.get(), &status) != 0) return 0;

  pthread_rwlock_wrlock(&lock_);
  Socket* socket = entry_of(path);
  // Another thread may have kept it meanwhile, and learned that its daemon acknowledges.
  if (!socket || !is_file_of(*socket, status) || socket->type != type) {
    if (!socket) socket = entry_of("");
    if (!socket) socket = &sockets_[next_to_go_++ % kMaxKnown];
    std::strcpy(socket->path, path);
    socket->resolved[resolved.copy(socket->resolved, kMaxResolvedBytes)] = '\0';
    socket->file = std::move(file);
    socket->device = status.st_dev;
    socket->number = status.st_ino;
    socket->type = type;
    socket->serial = ++last_serial_;
    socket->has_acknowledged = false;
  }
  const unsigned long serial = socket->serial;
  pthread_rwlock_unlock(&lock_);
  return serial;
}

void KnownSockets::remember_acknowledgement(unsigned long serial) {
  pthread_rwlock_wrlock(&lock_);
  for (Socket& socket : sockets_) {
    if (serial != 0 && socket.serial == serial) socket.has_acknowledged = true;
  }
  pthread_rwlock_unlock(&lock_);
}

}  // namespace socket_handoff
