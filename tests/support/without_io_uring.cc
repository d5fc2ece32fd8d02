// SPDX-License-Identifier: Apache-2.0
// Executes a command under a seccomp filter that refuses io_uring, as the default profiles of containers do.
//
//   without_io_uring EPERM|ENOSYS COMMAND [ARGUMENT...]

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "support/forbidden_calls.h"

int main(int count, char** arguments) {
  const std::string_view error = count > 2 ? arguments[1] : "";
  if (error != "EPERM" && error != "ENOSYS") {
    std::fputs("usage: without_io_uring EPERM|ENOSYS COMMAND [ARGUMENT...]\n", stderr);
    return 2;
  }
  streaming::forbid_calls(error == "EPERM" ? EPERM : ENOSYS,
                          {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register});
  execvp(arguments[2], arguments + 2);
  std::perror(arguments[2]);
  return 127;
}
