// SPDX-License-Identifier: Apache-2.0
// Starting a program as a child of the daemon: what it inherits is what it is given here, and nothing else.
//
// Worker threads; the calling one waits until the program is loaded and no longer: the child borrows the daemon's
// memory until then (CLONE_VFORK), so that the daemon's size does not count.

#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

// Where a payload file stands in the child.
inline constexpr int kProgramFile = 3;

struct ProgramStart {
  std::span<const std::string> words;    // the program's path, absolute, and its arguments
  std::vector<std::string> environment;  // "NAME=value"
  int input = -1;                        // becomes descriptor 0; -1: /dev/null
  int output = -1;                       // becomes descriptor 1
  int file = -1;                         // becomes kProgramFile; -1: none
};

struct RunningProgram {
  pid_t pid = -1;
  UniqueFd pidfd;  // readable when the program has ended
};

// The program has the daemon's standard error, the default of every signal, none blocked, and a process group of its
// own. The Error's code says why it did not start.
Result<RunningProgram> start_program(const ProgramStart& start);

// Waits for a program that has ended: what wait() says. What it has left behind of its group is killed.
int reap_program(const RunningProgram& program);

// Kills the groups of all programs that were started and not reaped, for a daemon that ends at once. Any thread.
void kill_programs();

// What of the daemon's environment a program may know: where programs are, whose process it is, language and time zone.
// The rest may hold keys.
std::vector<std::string> harmless_environment();

}  // namespace streaming
