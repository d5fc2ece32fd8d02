// SPDX-License-Identifier: Apache-2.0
// Upgrade: the fixture of tests in which a daemon is replaced by a successor.

#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <string>

#include "support/daemon_process.h"

namespace streaming {

class Upgrade : public testing::Test {
 protected:
  // So that this process can reap the successor when its parent has ended.
  Upgrade() { prctl(PR_SET_CHILD_SUBREAPER, 1); }
  ~Upgrade() override { prctl(PR_SET_CHILD_SUBREAPER, 0); }

  // The process that serves after `signal`; 0 if none does.
  static pid_t successor_of(const DaemonProcess& daemon, int signal = SIGUSR2) {
    return successor_of(daemon.pid(), daemon, signal);
  }
  // Of a process that has the log of `first`, of which it is a successor itself.
  static pid_t successor_of(pid_t process, const DaemonProcess& first, int signal = SIGUSR2) {
    const std::string line = " serves; this one ends", before = first.log();
    kill(process, signal);
    if (!eventually([&] { return first.log().find(line, before.size()) != std::string::npos; })) return 0;
    const std::string log = first.log();
    const std::size_t end = log.rfind(line);
    const std::size_t begin = log.rfind(' ', end - 1) + 1;
    return std::stoi(log.substr(begin, end - begin));
  }
  // Ends a process whose parent has ended, and returns its status.
  static int end(pid_t process) {
    int status = -1;
    kill(process, SIGTERM);
    EXPECT_EQ(waitpid(process, &status, 0), process);
    return status;
  }
};

}  // namespace streaming
