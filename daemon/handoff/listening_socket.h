// SPDX-License-Identifier: Apache-2.0
// ListeningSocket: the Unix socket through which Apache hands over clients. Opened or adopted at the start, before
// threads; then owned by the program, which removes its file at the end.

#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/account.h"

namespace streaming {

// Owns the socket and, until remove_file(), its file.
struct ListeningSocket {
  UniqueFd fd;
  std::string path;
  int type = 0;  // SOCK_SEQPACKET or SOCK_STREAM
  // Identify the file, because another daemon may have taken over the path. The kernel keeps the inode of a bound
  // socket, so no other file gets its number while `fd` is open.
  dev_t device = 0;
  ino_t inode = 0;

  // Removes the file if it is still this socket's. Call it while `fd` is open.
  void remove_file() const;
};

// The owner of the socket's file, and who may connect.
struct SocketRights {
  mode_t mode = 0660;
  Account owner;  // none: the process's own
  Account group;

  bool operator==(const SocketRights&) const = default;
};

// Binds a socket of `type` at `path`, gives the file its `rights`, then listens. Replaces a socket file on which no
// process listens any more. A socket in use, or a file that is not a socket, is an error and stays. Call it before
// there are threads: it changes the umask for a moment.
Result<ListeningSocket> open_listening_socket(const std::string& path, const SocketRights& rights,
                                              int type = SOCK_SEQPACKET);

// Takes over a socket that another process has made. That process keeps the file; call remove_file() only if it hands
// the file over too.
Result<ListeningSocket> adopt_listening_socket(UniqueFd fd);

// "seqpacket" or "stream", the values of server.socket_type; and the type of such a name.
std::string_view socket_type_name(int type);
int socket_type_of(std::string_view name);

}  // namespace streaming
