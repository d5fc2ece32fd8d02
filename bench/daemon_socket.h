// SPDX-License-Identifier: Apache-2.0
// DaemonSocket: Apache's side of a hand-off to a daemon that listens as SOCK_SEQPACKET or SOCK_STREAM.
//
// One per generator process. It never blocks: a full backlog is a transient error.

#pragma once

#include <sys/un.h>

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming::bench {

class DaemonSocket {
 public:
  static Result<DaemonSocket> create(const std::string& path);

  Result<UniqueFd> connect();
  // Sends the payload and the client's descriptor in one message.
  static Status hand_off(int connection, int client, std::string_view payload);

  // Whether the error is transient: it ends when the daemon has caught up or a stream has ended, so try again soon.
  static bool passes(const Error& error);

 private:
  Result<UniqueFd> connect_as_type();

  sockaddr_un address_{};
  int type_;
};

}  // namespace streaming::bench
