// SPDX-License-Identifier: Apache-2.0
// Successor: the process that takes the daemon's place without losing a client. It runs the binary that is now at
// this one's path, with the same arguments and the same listening socket.
//
// Created by the Server on the main thread. Until it reports that it serves, this process ends it if the upgrade fails;
// afterwards it is independent.

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

// How this process was started; recorded before anything changes it.
struct Invocation {
  std::string executable;
  std::vector<std::string> arguments;  // with the program's name

  static Invocation of(int argc, const char* const* argv);

  // Whether the path of the running program holds another file now, for example after a package's upgrade.
  bool is_replaced() const;
};

class Successor {
 public:
  // `owns_file`: the daemon must remove the listening socket's file.
  static Result<Successor> start(const Invocation& invocation, int listener, bool owns_file);

  Successor(Successor&&) noexcept;
  Successor& operator=(Successor&&) noexcept = delete;
  // Ends it if it has not reported that it serves.
  ~Successor();

  pid_t pid() const { return pid_; }
  // A socket. Readable when read_readiness() has a result.
  int readiness() const { return readiness_.get(); }

  // Whether the successor serves. If not, it ended before that.
  bool read_readiness();
  // Once it serves: on this socket it asks for answers that this process has (see server/predecessor.h).
  UniqueFd take_channel() { return std::move(readiness_); }

 private:
  Successor(pid_t pid, UniqueFd readiness) : pid_(pid), readiness_(std::move(readiness)) {}

  pid_t pid_;  // -1: no longer this process's to end
  UniqueFd readiness_;
};

}  // namespace streaming
