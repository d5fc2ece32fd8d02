// The daemons' sockets that this process has checked and connected to, kept open for its next hand-offs: to look again
// where a file really is costs more than to connect to it.
//
// A socket is known by its path as written and is the same for as long as that path leads to the same file: a daemon
// that was restarted, or a link that leads elsewhere now, is a file of another number and is checked anew. As the file
// is kept open, its number is not given to any other; and it is the open file that is connected to, not the path. The
// prefixes are compared by each hand-off, with where the file was when it was checked.
//
// One for each Apache child, shared by its threads, for as long as the child lives.

#pragma once

#include <pthread.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>
#include <string_view>

#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

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

}  // namespace socket_handoff
