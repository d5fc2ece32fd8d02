// SPDX-License-Identifier: Apache-2.0
#include "ring/uring_unavailable.h"

#include <sys/utsname.h>

#include <cerrno>
#include <fstream>
#include <string>

namespace streaming {
namespace {

std::string kernel_release() {
  utsname names{};
  return uname(&names) == 0 ? names.release : "unknown";
}

// The sysctl kernel.io_uring_disabled (6.6): 0 open to all, 1 to its group, 2 to nobody. -1 where there is none.
int sysctl_disabled() {
  int value = -1;
  std::ifstream("/proc/sys/kernel/io_uring_disabled") >> value;
  return value;
}

std::string reason_not_permitted() {
  switch (sysctl_disabled()) {
    case 2:
      return "the sysctl kernel.io_uring_disabled=2 forbids it to every process; set it to 0 (sysctl -w "
             "kernel.io_uring_disabled=0, and a file in /etc/sysctl.d)";
    case 1:
      return "the sysctl kernel.io_uring_disabled=1 forbids it to processes outside of the group "
             "kernel.io_uring_group; put the daemon's user into that group, or set kernel.io_uring_disabled to 0";
    default:
      return "a seccomp filter or a security module forbids io_uring_setup; allow io_uring_setup, io_uring_enter and "
             "io_uring_register (systemd: SystemCallFilter=@aio; containers: the seccomp profile)";
  }
}

std::string reason(int code) {
  switch (code) {
    case ENOSYS:
      return "the kernel " + kernel_release() +
             " has no io_uring, or a seccomp filter hides it; Linux 6.1 or later with CONFIG_IO_URING is needed, and a "
             "seccomp profile that allows io_uring_setup, io_uring_enter and io_uring_register";
    case EPERM:
    case EACCES:
      return reason_not_permitted();
    case EINVAL:
      return "the kernel " + kernel_release() + " is too old; Linux 6.1 or later is needed";
    case ENOMEM:
      return "the kernel has no memory for the ring, or the limit of locked memory is too low; raise it (ulimit -l, "
             "LimitMEMLOCK=)";
    case EMFILE:
    case ENFILE:
      return "too many open files; raise the limit (ulimit -n, LimitNOFILE=)";
    default:
      return "unexpected";
  }
}

}  // namespace

Error uring_unavailable(int code) {
  return Error::from_errno("io_uring is not available: " + reason(code), code);
}

}  // namespace streaming
