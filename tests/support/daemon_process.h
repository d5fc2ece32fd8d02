// SPDX-License-Identifier: Apache-2.0
// DaemonProcess: the real streaming-daemon as a child process, with a socket and a log in its own directory.

#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/patience.h"
#include "support/temporary_directory.h"
#include "support/unix_sockets.h"

namespace streaming {

// Polls until `condition` holds; false if it does not within kPatience.
inline bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 2);
  }
  return true;
}

class DaemonProcess {
 public:
  // `before_exec` runs in the child, `program` is the daemon's or a copy.
  explicit DaemonProcess(
      std::vector<std::string> flags, const std::function<void()>& before_exec = [] {},
      const std::string& program = DAEMON) {
    write_config("");  // so that no file of the machine is read
    flags.insert(flags.begin(), {program, "--socket", socket(), "--config", config_path(), "--metrics-addr", ""});
    std::vector<char*> arguments;
    for (std::string& flag : flags) arguments.push_back(flag.data());
    arguments.push_back(nullptr);
    pid_ = fork();
    if (pid_ == 0) {
      const int log_fd = open(log_path().c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      const int out_fd = open(output_path().c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
      dup2(log_fd, STDERR_FILENO);
      dup2(out_fd, STDOUT_FILENO);
      before_exec();
      execv(arguments[0], arguments.data());
      _exit(127);
    }
  }
  ~DaemonProcess() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  bool ready() const {
    return eventually([this] { return log().find("ready on") != std::string::npos || has_ended(); }) && !has_ended();
  }
  void signal(int number) const { kill(pid_, number); }
  // Waits for its end and returns the exit status, or -1 if it was killed.
  int exit_status() {
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int stop() {
    signal(SIGTERM);
    return exit_status();
  }

  pid_t pid() const { return pid_; }
  std::string config_path() const { return directory_.file("config.toml"); }
  void write_config(const std::string& text) const { std::ofstream(config_path()) << text; }
  bool logs(const std::string& text) const {
    return eventually([&] { return log().find(text) != std::string::npos; });
  }
  // The port of a daemon with --metrics-addr ADDRESS:0. The kernel has chosen it, and the log reports it.
  int monitor_port() const {
    constexpr std::string_view kSaid = "metrics on port ";
    EXPECT_TRUE(logs(std::string(kSaid))) << log();
    const std::string text = log();
    return std::atoi(text.c_str() + text.find(kSaid) + kSaid.size());
  }
  std::string socket() const { return directory_.file("daemon.sock"); }
  std::string log() const { return contents(log_path()); }
  std::string output() const { return contents(output_path()); }
  std::size_t threads() const {
    const auto entries = std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task");
    return static_cast<std::size_t>(std::distance(begin(entries), end(entries)));
  }
  std::size_t descriptors() const {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fd")) {
      ++count;
    }
    return count;
  }

  // For each of its rings the files in the ring's table, from /proc; empty if the kernel does not show them.
  std::vector<std::size_t> ring_files() const {
    std::vector<std::size_t> rings;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/fdinfo")) {
      std::ifstream info(entry.path());
      bool in_table = false;
      for (std::string line; std::getline(info, line);) {
        if (line.starts_with("UserFiles:")) {
          in_table = true;
          rings.push_back(0);
        } else if (in_table && line.starts_with(" ")) {
          rings.back() += line.find("<none>") == std::string::npos;
        } else {
          in_table = false;
        }
      }
    }
    return rings;
  }
  // The processes that it has started and not reaped.
  std::size_t children() const {
    std::size_t count = 0;
    std::error_code gone;
    for (const auto& entry : std::filesystem::directory_iterator("/proc", gone)) {
      const std::string status = contents(entry.path() / "status");
      count += status.find("\nPPid:\t" + std::to_string(pid_) + "\n") != std::string::npos;
    }
    return count;
  }

  // Connects, hands over `descriptors` and `payload`, and returns the connection.
  UniqueFd hand_over(std::string_view payload, const std::vector<int>& descriptors) const {
    UniqueFd connection = connect_to(socket());
    EXPECT_TRUE(connection) << std::strerror(errno);
    EXPECT_TRUE(send_message(connection.get(), payload, descriptors)) << std::strerror(errno);
    return connection;
  }
  // Hands over a new client like a module that does not wait, and returns the browser's end.
  UniqueFd hand_client_over(std::string_view payload) const {
    auto [client, browser] = socket_pair();
    hand_over(payload, {client.get()});
    return std::move(browser);
  }

 private:
  std::string log_path() const { return directory_.file("log"); }
  std::string output_path() const { return directory_.file("output"); }
  static std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
  }
  bool has_ended() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid_;
  }

  TemporaryDirectory directory_;
  pid_t pid_ = 0;
};

}  // namespace streaming
