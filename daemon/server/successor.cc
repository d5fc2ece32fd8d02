// SPDX-License-Identifier: Apache-2.0
#include "server/successor.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "server/service_manager.h"

namespace streaming {
namespace {

constexpr int kListenerFd = SD_LISTEN_FDS_START;
constexpr int kUpgradeFd = SD_LISTEN_FDS_START + 1;
constexpr int kFirstUnpassedFd = SD_LISTEN_FDS_START + 2;
constexpr std::string_view kPidPlaceholder = "0000000000";

// The environment of a process that gets two descriptors. LISTEN_PID and WATCHDOG_PID name that process, so it writes
// its number into them itself.
class Environment {
 public:
  explicit Environment(bool owns_file) {
    bool watched = false;
    for (char** variable = environ; *variable != nullptr; ++variable) {
      const std::string_view text = *variable;
      watched = watched || text.starts_with("WATCHDOG_PID=");
      if (!text.starts_with("LISTEN_") && !text.starts_with("WATCHDOG_PID=")) variables_.emplace_back(text);
    }
    variables_.push_back("LISTEN_FDS=2");
    variables_.push_back(std::string("LISTEN_FDNAMES=") + (owns_file ? kOwnSocketName : kSocketName) + ":" +
                         kUpgradeName);
    add_own_pid("LISTEN_PID=");
    if (watched) add_own_pid("WATCHDOG_PID=");
    for (std::string& variable : variables_) pointers_.push_back(variable.data());
    pointers_.push_back(nullptr);
  }

  char* const* pointers() const { return pointers_.data(); }

  // Called in the new process, where nothing may be allocated.
  void write_own_pid(pid_t pid) {
    for (std::size_t index = variables_.size() - with_pid_; index < variables_.size(); ++index) {
      char* const digits = pointers_[index] + variables_[index].size() - kPidPlaceholder.size();
      std::size_t count = 1;
      for (pid_t rest = pid / 10; rest > 0; rest /= 10) ++count;
      digits[count] = '\0';
      for (pid_t rest = pid; count > 0; rest /= 10) digits[--count] = static_cast<char>('0' + rest % 10);
    }
  }

 private:
  void add_own_pid(const char* name) {
    variables_.push_back(name + std::string(kPidPlaceholder));
    ++with_pid_;
  }

  std::vector<std::string> variables_;
  std::vector<char*> pointers_;
  std::size_t with_pid_ = 0;  // the last of the variables
};

// A copy with a number above those of the passed descriptors.
UniqueFd set_aside(int fd) {
  return UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, kFirstUnpassedFd));
}

// Runs in the new process, in which only this thread exists: it must not allocate or lock.
[[noreturn]] void become(const char* executable, char* const* arguments, Environment& environment, int listener,
                         int upgrade) {
  environment.write_own_pid(getpid());
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  if (dup2(listener, kListenerFd) >= 0 && dup2(upgrade, kUpgradeFd) >= 0) {
    closefrom(kFirstUnpassedFd);  // unlike close_range(), also before Linux 5.9
    execve(executable, arguments, environment.pointers());
  }
  _exit(EXIT_FAILURE);
}

}  // namespace

Invocation Invocation::of(int argc, const char* const* argv) {
  // Read at the start, because the link ends with "(deleted)" once the file was replaced.
  std::array<char, PATH_MAX> path;
  const ssize_t length = readlink("/proc/self/exe", path.data(), path.size());
  return {length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : std::string(argv[0]),
          std::vector<std::string>(argv, argv + argc)};
}

bool Invocation::is_replaced() const {
  struct stat running {};
  struct stat installed {};
  if (stat("/proc/self/exe", &running) != 0 || stat(executable.c_str(), &installed) != 0) return false;
  return running.st_dev != installed.st_dev || running.st_ino != installed.st_ino;
}

Result<Successor> Successor::start(const Invocation& invocation, int listener, bool owns_file) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::from_errno("cannot create a socket pair", errno);
  }
  UniqueFd readiness(ends[0]);
  UniqueFd upgrade_end(ends[1]);
  const UniqueFd upgrade = set_aside(upgrade_end.get());
  const UniqueFd passed_listener = set_aside(listener);
  if (!upgrade || !passed_listener) return Error::from_errno("cannot copy a descriptor", errno);
  upgrade_end = UniqueFd();

  Environment environment(owns_file);
  std::vector<char*> arguments;
  for (const std::string& argument : invocation.arguments) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  const pid_t pid = fork();
  if (pid < 0) return Error::from_errno("cannot fork", errno);
  if (pid == 0) {
    become(invocation.executable.c_str(), arguments.data(), environment, passed_listener.get(), upgrade.get());
  }
  return Successor(pid, std::move(readiness));
}

Successor::Successor(Successor&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)), readiness_(std::move(other.readiness_)) {
}

Successor::~Successor() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Successor::read_readiness() {
  char byte = 0;
  const bool serves = ::read(readiness_.get(), &byte, 1) == 1;
  if (serves) pid_ = -1;
  return serves;
}

}  // namespace streaming
