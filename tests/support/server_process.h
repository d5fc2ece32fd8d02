// SPDX-License-Identifier: Apache-2.0
// ServerProcess: a server as a child process that prints its port. It ends with the test.

#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <vector>

namespace streaming {

class ServerProcess {
 public:
  ServerProcess() = default;
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;
  ~ServerProcess() { stop(); }

  // Waits until it accepts connections.
  void start(std::vector<std::string> command) {
    int output[2];
    ASSERT_EQ(pipe(output), 0);
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(output[1], STDOUT_FILENO);
      ::close(output[0]);
      ::close(output[1]);
      execv(arguments[0], arguments.data());
      _exit(127);
    }
    ::close(output[1]);
    FILE* lines = fdopen(output[0], "r");
    EXPECT_EQ(std::fscanf(lines, "%d", &port_), 1) << command[0] << " did not start";
    std::fclose(lines);
  }

  // Waits for its end.
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

  int port() const { return port_; }  // 0: it did not start

 private:
  pid_t pid_ = 0;
  int port_ = 0;
};

}  // namespace streaming
