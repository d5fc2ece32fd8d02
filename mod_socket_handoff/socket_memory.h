// What Apache's children have learned of daemons' sockets: where they are, which cannot be reached for now, and which
// acknowledge. Pure: knows nothing of httpd.

#pragma once

#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "mod_socket_handoff/daemon_socket.h"
#include "mod_socket_handoff/deadline.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

// The sockets whose daemons have acknowledged a hand-off. If such a daemon closes without an answer, it has crashed. If
// another daemon does, that is how it takes a client.
//
// One for all children of an Apache, in memory that they share, so that a new child knows it from its first hand-off
// on. Any thread of any of them may add and look. An entry that is overwritten is learned again.
class AcknowledgedSockets {
 public:
  static constexpr std::size_t kMaxRemembered = 64;

  // `file` is an identity from KnownSockets; 0 is never contained.
  void add(std::uint64_t file) { place_of(file).store(file, std::memory_order_relaxed); }
  bool contains(std::uint64_t file) { return file != 0 && place_of(file).load(std::memory_order_relaxed) == file; }

 private:
  std::atomic<std::uint64_t>& place_of(std::uint64_t file) { return files_[file % kMaxRemembered]; }

  std::array<std::atomic<std::uint64_t>, kMaxRemembered> files_ = {};
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

// The sockets for which a hand-off of this process has just waited in vain. For a second, other hand-offs try such a
// socket once and do not wait for it. Otherwise each request would hold a worker for all of
// SocketHandoffConnectTimeoutMs while a daemon is down.
//
// One for each Apache child, shared by its threads.
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
  std::size_t next_ = 0;  // the oldest entry, which is overwritten next
};

// One for each Apache child, shared by its threads, for as long as the child lives; the last part belongs to all
// children.
struct SocketMemory {
  KnownSockets known;
  UnreachableSockets unreachable;
  AcknowledgedSockets& acknowledged;
};

}  // namespace socket_handoff
