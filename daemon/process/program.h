// SPDX-License-Identifier: Apache-2.0
// Starting a program as a child of the daemon. It inherits only what it is given here.
//
// Worker threads. The calling thread waits only until the program is loaded: until then the child borrows the daemon's
// memory (CLONE_VFORK), so that the daemon's size does not matter.

#pragma once

#include <sys/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace streaming {

// The payload file's descriptor in the child.
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

// Whether this system can report that a program has ended: pidfd_open() of Linux 5.3, unless a filter forbids it.
// Otherwise no program is started.
bool can_watch_programs();

// The program has the daemon's standard error, the default of every signal, none blocked, and a process group of its
// own. The Error's code is the errno of the failed start.
Result<RunningProgram> start_program(const ProgramStart& start);

// Reaps a program that has ended, and returns waitpid()'s status. Kills what is left of its group.
int reap_program(const RunningProgram& program);

// Kills the groups of all programs that were started and not reaped, when the daemon ends at once. Any thread.
void kill_programs();

// The variables of the daemon's environment that a program may have: the search path, the user, language and time zone.
// The others may hold keys.
std::vector<std::string> harmless_environment();

}  // namespace streaming
