// SPDX-License-Identifier: Apache-2.0
// The Unix socket that Apache hands clients to.

#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

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
  // Which file it is, since another daemon may have taken the path over; an inode's number alone is soon used again.
  dev_t device = 0;
  ino_t inode = 0;
  timespec changed{};

  // Removes the file if it is still this socket's.
  void remove_file() const;
};

// Whose the socket's file is, and who may connect.
struct SocketRights {
  mode_t mode = 0660;
  Account owner;  // none: as the process has it
  Account group;

  bool operator==(const SocketRights&) const = default;
};

// Binds a socket of `type` at `path` and listens, when the file has its `rights`. A socket file that nobody listens on
// any more is replaced; one in use, or a file that is no socket, is an error and is left alone. Start-up, before
// threads: changes the umask for a moment.
Result<ListeningSocket> open_listening_socket(const std::string& path, const SocketRights& rights,
                                              int type = SOCK_SEQPACKET);

// Takes over one that somebody else has made, who keeps its file; remove_file() is for who is told to.
Result<ListeningSocket> adopt_listening_socket(UniqueFd fd);

// "seqpacket" or "stream", as server.socket_type has them; and the type of such a name.
std::string_view socket_type_name(int type);
int socket_type_of(std::string_view name);

}  // namespace streaming
