#include "mod_socket_handoff/socket_memory.h"

#include <cstring>

namespace socket_handoff {

void UnreachableSockets::add(const char* path) {
  if (std::strlen(path) > kMaxSocketPathBytes) return;
  pthread_mutex_lock(&lock_);
  Entry& entry = entries_[next_++ % kMaxRemembered];
  std::strcpy(entry.path, path);
  entry.end = Deadline(kTimeRemembered);
  pthread_mutex_unlock(&lock_);
}

bool UnreachableSockets::contains(const char* path) {
  bool is_there = false;
  pthread_mutex_lock(&lock_);
  for (const Entry& entry : entries_) {
    is_there = is_there || (std::strcmp(entry.path, path) == 0 && !entry.end.has_passed());
  }
  pthread_mutex_unlock(&lock_);
  return is_there;
}

}  // namespace socket_handoff
