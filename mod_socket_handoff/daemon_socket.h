// A daemon's socket: its file, checked and pinned (SocketFile); the files that this child has checked already
// (KnownSockets); and the connection to it.

#pragma once

#include <pthread.h>
#include <sys/stat.h>

#include <array>
#include <climits>
#include <cstdint>
#include <span>
#include <string_view>

#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

// The file behind the path of X-Socket-Handoff, opened once, so that what was checked is what is connected to.
//
// open(O_PATH) follows every symbolic link in one step and pins the file; the kernel then says where the file really
// is, that answer is checked against the prefixes, and the connection goes through /proc/self/fd to the pinned file. A
// link that is swapped in between changes nothing. Lives for one attempt to connect.
// Where an open file really is, in the kernel's words.
class ResolvedPath {
 public:
  ResolvedPath() = default;
  explicit ResolvedPath(const UniqueDescriptor& file);

  void append(std::string_view path, std::size_t from);

  bool is_known() const { return length_ > 0; }
  std::string_view text() const { return {text_, length_}; }

 private:
  char text_[PATH_MAX + kMaxSocketPathBytes];
  std::size_t length_ = 0;
};

struct SocketFile {
  UniqueDescriptor pin;                      // O_PATH; none when the file could not be opened
  ResolvedPath resolved;                     // of the pin
  PathProblem problem = PathProblem::kNone;  // the path is refused, whether or not a file is there
  int error = 0;                             // errno where neither is the case
};

SocketFile open_socket_file(const char* path, std::span<const char* const> allowed_prefixes);

// kNone where one of the prefixes admits a file that is really there.
PathProblem check_resolved_path(std::string_view resolved, std::span<const char* const> allowed_prefixes);

// The daemons' sockets that this process has checked and connected to, kept open for its next hand-offs: to look again
// where a file really is costs more than to connect to it.
//
// A socket is known by its path as written and is the same for as long as that path leads to the same file: a daemon
// that was restarted, or a link that leads elsewhere now, is a file of another number and is checked anew. As the file
// is kept open, its number is not given to any other; and it is the open file that is connected to, not the path. The
// prefixes are compared by each hand-off, with where the file was when it was checked.
//
// One for each Apache child, shared by its threads, for as long as the child lives.
class KnownSockets {
 public:
  static constexpr std::size_t kMaxKnown = 16;
  static constexpr std::size_t kMaxResolvedBytes = 256;  // a longer path is not kept

  struct Socket {
    char path[kMaxSocketPathBytes + 1] = {};  // empty: there is none
    char resolved[kMaxResolvedBytes + 1] = {};
    UniqueDescriptor file;  // O_PATH
    dev_t device = 0;
    ino_t number = 0;
    int type = 0;  // SOCK_SEQPACKET or SOCK_STREAM, whichever it takes
    std::uint64_t identity = 0;  // of the file
  };

  // A socket that stays open while this lives, which is to be no longer than one connect(): others wait to be kept.
  class Lent {
   public:
    ~Lent() {
      if (lock_) pthread_rwlock_unlock(lock_);
    }
    Lent(Lent&&) = delete;

    explicit operator bool() const { return socket_ != nullptr; }
    const Socket* operator->() const { return socket_; }

   private:
    friend class KnownSockets;
    Lent(pthread_rwlock_t* lock, const Socket* socket) : lock_(lock), socket_(socket) {}

    pthread_rwlock_t* lock_;
    const Socket* socket_;
  };

  // Empty where the path is not known, or leads to another file now.
  Lent find(const char* path);

  // The file's identity, never 0: the same in all processes, and another one for a file that has the number of one that
  // was removed. 0 where it cannot be kept.
  std::uint64_t keep(const char* path, std::string_view resolved, int type, UniqueDescriptor file);

 private:
  Socket* entry_of(const char* path);

  pthread_rwlock_t lock_ = PTHREAD_RWLOCK_INITIALIZER;
  std::array<Socket, kMaxKnown> sockets_;
  std::size_t next_to_go_ = 0;  // once all are in use
};

// One attempt to connect to a daemon's socket, which is looked up and checked where it is not known already. Never
// blocks.
struct DaemonConnection {
  UniqueDescriptor socket;                   // non-blocking; none when the daemon was not reached
  int type = 0;                              // SOCK_SEQPACKET or SOCK_STREAM, where it was
  std::uint64_t identity = 0;                // of the socket's file, as KnownSockets has it; 0 where it is not kept
  PathProblem problem = PathProblem::kNone;  // the path is refused and nothing was connected to
  int error = 0;                             // errno otherwise
};

DaemonConnection connect_to_daemon(KnownSockets& known, const char* path, const SocketRules& rules);

}  // namespace socket_handoff
