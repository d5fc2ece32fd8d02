// SPDX-License-Identifier: Apache-2.0
#include "process/program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <mutex>
#include <set>
#include <string_view>

namespace streaming {
namespace {

constexpr std::array<std::string_view, 9> kHarmlessVariables{"PATH", "HOME", "USER", "LOGNAME", "SHELL",
                                                             "LANG", "TZ",   "TERM", "TMPDIR"};

// posix_spawn's two descriptions of the child, freed with it.
class Spawn {
 public:
  Spawn() {
    posix_spawn_file_actions_init(&files_);
    posix_spawnattr_init(&attributes_);
  }
  Spawn(const Spawn&) = delete;
  Spawn& operator=(const Spawn&) = delete;
  ~Spawn() {
    posix_spawn_file_actions_destroy(&files_);
    posix_spawnattr_destroy(&attributes_);
  }

  // 0, or an errno.
  int run(const ProgramStart& start, pid_t& pid) {
    if (const int failed = set_files(start); failed != 0) return failed;
    if (const int failed = set_attributes(); failed != 0) return failed;
    std::vector<char*> words = pointers(start.words), environment = pointers(start.environment);
    return posix_spawn(&pid, words.front(), &files_, &attributes_, words.data(), environment.data());
  }

 private:
  static std::vector<char*> pointers(std::span<const std::string> texts) {
    std::vector<char*> pointers;
    // Only read, but posix_spawn's parameter is not const.
    for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
    pointers.push_back(nullptr);
    return pointers;
  }

  // The order is right for all descriptors: their numbers are above 3, because the daemon has more than that open.
  int set_files(const ProgramStart& start) {
    int failed = start.input >= 0 ? posix_spawn_file_actions_adddup2(&files_, start.input, STDIN_FILENO)
                                  : posix_spawn_file_actions_addopen(&files_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (failed == 0) failed = posix_spawn_file_actions_adddup2(&files_, start.output, STDOUT_FILENO);
    if (failed == 0 && start.file >= 0) failed = posix_spawn_file_actions_adddup2(&files_, start.file, kProgramFile);
    // Closes also what a library, or the process that started the daemon, left open across exec.
    const int first_closed = start.file >= 0 ? kProgramFile + 1 : kProgramFile;
    return failed != 0 ? failed : posix_spawn_file_actions_addclosefrom_np(&files_, first_closed);
  }

  int set_attributes() {
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setpgroup(&attributes_, 0);
    return posix_spawnattr_setflags(&attributes_,
                                    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }

  posix_spawn_file_actions_t files_;
  posix_spawnattr_t attributes_;
};

// The groups of all workers' programs. A group keeps its leader's number until the leader is reaped.
struct Groups {
  std::mutex mutex;
  std::set<pid_t> leaders;
};

Groups& groups() {
  static Groups all;
  return all;
}

}  // namespace

bool can_watch_programs() {
  // No process has the number 0.
  static const bool can = syscall(SYS_pidfd_open, 0, 0) == 0 || errno == EINVAL;
  return can;
}

Result<RunningProgram> start_program(const ProgramStart& start) {
  CHECK(!start.words.empty() && start.output > STDERR_FILENO);
  // Asked first, because a program that runs may have answered already.
  if (!can_watch_programs()) {
    return Error{"cannot watch " + start.words.front() + ": pidfd_open() of Linux 5.3 is missing or forbidden", ENOSYS};
  }
  RunningProgram program;
  const std::lock_guard lock(groups().mutex);
  if (const int failed = Spawn().run(start, program.pid); failed != 0) {
    return Error::from_errno("cannot start " + start.words.front(), failed);
  }
  // The child keeps its number until it is reaped, which has not happened yet.
  program.pidfd.reset(static_cast<int>(syscall(SYS_pidfd_open, program.pid, 0)));
  if (program.pidfd) {
    groups().leaders.insert(program.pid);
    return program;
  }
  const Error error = Error::from_errno("cannot watch " + start.words.front(), errno);
  kill(-program.pid, SIGKILL);
  waitpid(program.pid, nullptr, 0);
  return error;
}

int reap_program(const RunningProgram& program) {
  const std::lock_guard lock(groups().mutex);
  kill(-program.pid, SIGKILL);
  groups().leaders.erase(program.pid);
  int status = 0;
  waitpid(program.pid, &status, 0);
  return status;
}

void kill_programs() {
  const std::lock_guard lock(groups().mutex);
  for (const pid_t leader : groups().leaders) kill(-leader, SIGKILL);
}

std::vector<std::string> harmless_environment() {
  std::vector<std::string> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::string_view name = text.substr(0, text.find('='));
    bool harmless = name.starts_with("LC_");
    for (const std::string_view known : kHarmlessVariables) harmless = harmless || name == known;
    if (harmless) environment.emplace_back(text);
  }
  return environment;
}

}  // namespace streaming
