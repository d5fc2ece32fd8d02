// The sockets for which a hand-off of this process has just waited in vain. For a second, others ask such a socket once
// and do not wait for it: while a daemon is down, it would cost each request all of SocketHandoffConnectTimeoutMs of a
// worker.
//
// Shared by threads.

#pragma once

#include <pthread.h>

#include <array>
#include <chrono>

#include "mod_socket_handoff/deadline.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

class UnreachableSockets {
 public:
  static constexpr std::chrono::milliseconds kTimeRemembered{1000};
  static constexpr std::size_t kMaxRemembered = 16;

  void add(const char* path);
  bool contains(const char* path);

 private:
  struct Entry {
    char path[kMaxSocketPathBytes + 1] = {};
    Deadline end{std::chrono::milliseconds(0)};
  };

  pthread_mutex_t lock_ = PTHREAD_MUTEX_INITIALIZER;
  std::array<Entry, kMaxRemembered> entries_;
  std::size_t next_ = 0;  // to be overwritten, the oldest
};

}  // namespace socket_handoff
