// SPDX-License-Identifier: Apache-2.0
#include "top/terminal.h"

#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace top {
namespace {

// No line is wrapped, so that one cell too many harms nothing.
constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
constexpr std::string_view kLeave = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

}  // namespace

bool is_terminal() {
  return isatty(STDOUT_FILENO) == 1;
}

Size terminal_size() {
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

Abilities terminal_abilities() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  const bool is_plain = kind == nullptr || std::strcmp(kind, "dumb") == 0;
  return {.utf8 = std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
          .colour = is_terminal() && !is_plain && (no_colour == nullptr || *no_colour == '\0')};
}

Terminal::Terminal() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGWINCH, SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signals_ = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  termios mode{};
  if (tcgetattr(STDIN_FILENO, &mode) == 0) {
    before_ = mode;
    mode.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    mode.c_cc[VMIN] = 0;
    mode.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSANOW, &mode);
  }
  write(kEnter);
}

Terminal::~Terminal() {
  write(kLeave);
  if (before_) tcsetattr(STDIN_FILENO, TCSANOW, &*before_);
  close(signals_);
}

int Terminal::keys() const {
  return before_ ? STDIN_FILENO : -1;
}

std::string Terminal::read_keys() const {
  char bytes[64];
  pollfd ready{keys(), POLLIN, 0};
  if (!before_ || poll(&ready, 1, 0) <= 0) return {};
  const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
  return {bytes, got > 0 ? static_cast<std::size_t>(got) : 0};
}

bool Terminal::read_signals() const {
  bool ends = false;
  signalfd_siginfo signal{};
  while (::read(signals_, &signal, sizeof signal) == sizeof signal) ends = ends || signal.ssi_signo != SIGWINCH;
  return ends;
}

void Terminal::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return;  // nobody looks any more; the signal that says so ends the program
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace top
