// SPDX-License-Identifier: Apache-2.0
// DaemonSocket: Apache's side of a hand-off, towards a daemon that listens as SOCK_SEQPACKET or as SOCK_STREAM.
//
// One per generator process. Never blocks: a full backlog is an error that passes.

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
  // The payload and the client's descriptor in one message.
  static Status hand_off(int connection, int client, std::string_view payload);

  // Errors that pass when the daemon has caught up or a stream has ended: try again soon.
  static bool passes(const Error& error);

 private:
  Result<UniqueFd> connect_as_type();

  sockaddr_un address_{};
  int type_;
};

}  // namespace streaming::bench
