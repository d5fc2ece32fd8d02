// SPDX-License-Identifier: Apache-2.0
// Successor: the process that takes the daemon's place without losing a client. It runs the binary that is now where
// this one's was, with the same arguments and the same listening socket.
//
// Made by the Server on the main thread. Until it says that it serves it is this process's to end; afterwards it is on
// its own.

#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

// How this process was started; taken before anything changes it.
struct Invocation {
  std::string executable;
  std::vector<std::string> arguments;  // with the program's name

  static Invocation of(int argc, const char* const* argv);

  // Whether another file is where the running one was, as a package's upgrade leaves it.
  bool is_replaced() const;
};

class Successor {
 public:
  // `owns_file`: the listening socket's file is the daemon's to remove.
  static Result<Successor> start(const Invocation& invocation, int listener, bool owns_file);

  Successor(Successor&&) noexcept;
  Successor& operator=(Successor&&) noexcept = delete;
  // Ends it if it has not said that it serves.
  ~Successor();

  pid_t pid() const { return pid_; }
  // Readable when there is something to read().
  int word() const { return word_.get(); }

  // Whether it serves; else it has ended before it did.
  bool read();

 private:
  Successor(pid_t pid, UniqueFd word) : pid_(pid), word_(std::move(word)) {}

  pid_t pid_;  // -1: not ours any more
  UniqueFd word_;
};

// What the successor itself writes to the descriptor that it was passed as kUpgradeName.
void say_that_we_serve(UniqueFd upgrade);

}  // namespace streaming
