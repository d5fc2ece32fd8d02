// SPDX-License-Identifier: Apache-2.0
// StoreServer: Valkey or Redis, whichever is installed, as a child process with its own directory. It listens on a Unix
// socket and, if it is told so, on a port. It ends with the test.

#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "support/patience.h"
#include "support/temporary_directory.h"
#include "support/unix_sockets.h"

namespace streaming {

class StoreServer {
 public:
  // `options` as on its command line.
  explicit StoreServer(std::vector<std::string> options = {}) : options_(std::move(options)) { start(); }
  ~StoreServer() { stop(); }
  StoreServer(const StoreServer&) = delete;
  StoreServer& operator=(const StoreServer&) = delete;

  std::string socket() const { return directory_.file("store.sock"); }
  std::string url() const { return "unix://" + socket(); }
  std::string log() const {
    std::ostringstream text;
    text << std::ifstream(directory_.file("log")).rdbuf();
    return text.str();
  }

  // Waits until it accepts connections.
  void start() {
    std::vector<std::string> command{"",           "--port",    "0",          "--unixsocket",
                                     socket(),     "--save",    "",           "--dir",
                                     directory_.file(""), "--logfile", directory_.file("log"), "--daemonize", "no"};
    command.insert(command.end(), options_.begin(), options_.end());
    pid_ = fork();
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (const char* program : {"valkey-server", "redis-server"}) {
        command[0] = program;
        std::vector<char*> arguments;
        for (std::string& argument : command) arguments.push_back(argument.data());
        arguments.push_back(nullptr);
        execvp(program, arguments.data());
      }
      _exit(127);
    }
    const auto deadline = std::chrono::steady_clock::now() + kPatience;
    while (!connect_to(socket(), SOCK_STREAM)) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "the store did not start: " << log();
      ASSERT_EQ(waitpid(pid_, nullptr, WNOHANG), 0) << "the store has ended: " << log();
      usleep(1000);
    }
  }
  // As by a crash: connections break, and what it had is gone.
  void stop() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  // Keeps its connections and answers nothing.
  void pause() const { kill(pid_, SIGSTOP); }
  void go_on() const { kill(pid_, SIGCONT); }

 private:
  const std::vector<std::string> options_;
  TemporaryDirectory directory_;
  pid_t pid_ = 0;
};

}  // namespace streaming
