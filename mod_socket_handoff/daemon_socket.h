// SPDX-License-Identifier: Apache-2.0
// A daemon's socket: its file, checked and pinned (SocketFile); what Apache's children remember of sockets
// (SocketMemory); and the connection to it. Pure: knows nothing of httpd.
//
// open(O_PATH) follows every symbolic link in one step and pins the file. The kernel then reports where the file really
// is; that path is checked against the prefixes; and the connection goes through /proc/self/fd to the pinned file. So a
// link that is swapped in between changes nothing.

#pragma once

#include <pthread.h>
#include <sys/stat.h>

#include <array>
#include <atomic>
#include <chrono>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "mod_socket_handoff/deadline.h"
#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

// Where an open file really is, as the kernel reports it.
class ResolvedPath {
 public:
  ResolvedPath() = default;
  explicit ResolvedPath(const UniqueDescriptor& file);

  void append(std::string_view path, std::size_t from);

  bool is_known() const { return length_ > 0; }  // false if /proc is not mounted
  std::string_view text() const { return {text_, length_}; }

 private:
  char text_[PATH_MAX + kMaxSocketPathBytes];
  std::size_t length_ = 0;
};

// The file behind a path of X-Socket-Handoff, opened once. Lives for one attempt to connect.
struct SocketFile {
  UniqueDescriptor pin;                      // O_PATH; none if the file could not be opened
  ResolvedPath resolved;                     // of the pin
  uid_t owner = 0;                           // if it is a socket
  PathProblem problem = PathProblem::kNone;  // the path is refused, whether or not a file is there
  int error = 0;                             // errno, if there is neither a pin nor a problem
};

SocketFile open_socket_file(const char* path, std::span<const char* const> allowed_prefixes);

// kNone if one of the prefixes admits a file that is really there.
PathProblem check_resolved_path(std::string_view resolved, std::span<const char* const> allowed_prefixes);

// The sockets that this process has checked and connected to, kept open for its next hand-offs: to find again where a
// file really is costs more than to connect to it.
//
// A socket is known by its path as written, for as long as that path leads to the same file. A daemon that was
// restarted, or a link that leads elsewhere now, is another file and is checked again. The file is kept open, so no
// other file gets its number; and the connection goes to the open file and not to the path. Each hand-off compares the
// prefixes again, with the place that the file had when it was checked.
//
// One for each Apache child, shared by its threads, for as long as the child lives.
class KnownSockets {
 public:
  static constexpr std::size_t kMaxKnown = 16;
  static constexpr std::size_t kMaxResolvedBytes = 256;  // a longer path is not kept

  struct Socket {
    char path[kMaxSocketPathBytes + 1] = {};  // empty: this place is free
    char resolved[kMaxResolvedBytes + 1] = {};
    UniqueDescriptor file;  // O_PATH
    dev_t device = 0;
    ino_t number = 0;
    int type = 0;                // SOCK_SEQPACKET or SOCK_STREAM, whichever it accepts
    std::uint64_t identity = 0;  // of the file
  };

  // A socket that stays open while this lives. Holds a read lock, so it must not outlive one connect().
  class Borrowed {
   public:
    ~Borrowed() {
      if (lock_) pthread_rwlock_unlock(lock_);
    }
    Borrowed(Borrowed&&) = delete;

    explicit operator bool() const { return socket_ != nullptr; }
    const Socket* operator->() const { return socket_; }
    uid_t owner() const { return owner_; }  // of the file, as it is now

   private:
    friend class KnownSockets;
    Borrowed(pthread_rwlock_t* lock, const Socket* socket, uid_t owner) : lock_(lock), socket_(socket), owner_(owner) {}

    pthread_rwlock_t* lock_;
    const Socket* socket_;
    uid_t owner_;
  };

  // Empty if the path is not known, or leads to another file now.
  Borrowed find(const char* path);

  // Takes the file over. The file's identity: never 0, the same in all processes, and different for a later file that
  // gets the number of a removed one. 0 if the socket cannot be kept.
  std::uint64_t keep(const char* path, std::string_view resolved, int type, UniqueDescriptor file);

 private:
  Socket* entry_of(const char* path);  // null: not found

  pthread_rwlock_t lock_ = PTHREAD_RWLOCK_INITIALIZER;
  std::array<Socket, kMaxKnown> sockets_;
  std::size_t next_to_replace_ = 0;  // once all are in use
};

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

// Sockets that have something in common for a while after a hand-off has found it out. One that is overwritten is found
// out again.
//
// Each is one for an Apache child, shared by its threads.
class SocketsForAWhile {
 public:
  static constexpr std::size_t kMaxRemembered = 16;

  explicit SocketsForAWhile(std::chrono::milliseconds time_remembered) : time_remembered_(time_remembered) {}

  void add(const char* path);
  bool contains(const char* path);

 private:
  struct Entry {
    char path[kMaxSocketPathBytes + 1] = {};
    Deadline end{std::chrono::milliseconds(0)};
  };

  const std::chrono::milliseconds time_remembered_;
  pthread_mutex_t lock_ = PTHREAD_MUTEX_INITIALIZER;
  std::array<Entry, kMaxRemembered> entries_;
  std::size_t next_ = 0;  // the oldest entry, which is overwritten next
};

// One for each Apache child, shared by its threads, for as long as the child lives; the last part belongs to all
// children.
struct SocketMemory {
  static constexpr std::chrono::seconds kUnreachableFor{1};
  static constexpr std::chrono::seconds kOlderGenerationFor{60};

  KnownSockets known;
  // A hand-off has just waited for them in vain. Others try such a socket once and do not wait for it. Otherwise each
  // request would hold a worker for all of SocketHandoffConnectTimeoutMs while a daemon is down.
  SocketsForAWhile unreachable{kUnreachableFor};
  // Their daemon has refused a message with a connection part, because it knows none: such a message would be in vain.
  SocketsForAWhile older_generation{kOlderGenerationFor};
  // Likewise with a reservation.
  SocketsForAWhile without_reservations{kOlderGenerationFor};
  AcknowledgedSockets& acknowledged;
};

// One attempt to connect. Has a socket, or a problem, or an error.
struct DaemonConnection {
  UniqueDescriptor socket;                   // non-blocking; none if the daemon was not reached
  int type = 0;                              // SOCK_SEQPACKET or SOCK_STREAM, if it was reached
  std::uint64_t identity = 0;                // of the socket's file, from KnownSockets; 0 if it is not kept
  uid_t owner = 0;                           // of the socket's file
  PathProblem problem = PathProblem::kNone;  // the path is refused, and nothing was connected to
  int error = 0;                             // errno
};

// Who listens at the other end: the user that called listen(), who need not be the one that reads the message. -1 if the
// kernel does not report it.
uid_t listening_user(const DaemonConnection& daemon);

// Checks the socket's file unless `known` has it, and connects. Never blocks.
DaemonConnection connect_to_daemon(KnownSockets& known, const char* path, const SocketRules& rules);

}  // namespace socket_handoff
