// SPDX-License-Identifier: Apache-2.0
#include "base/log_writer.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

namespace streaming {

LogWriter::LogWriter(UniqueFd output) : output_(std::make_shared<const UniqueFd>(std::move(output))) {
  // Only the main thread receives signals.
  sigset_t all_signals, before;
  sigfillset(&all_signals);
  pthread_sigmask(SIG_SETMASK, &all_signals, &before);
  std::thread([this] { run(); }).detach();
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void LogWriter::append(std::string_view line) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() + line.size() > kMaxLogBytes) {
      ++lost_;
      return;
    }
    waiting_.append(line);
    wake = std::exchange(sleeping_, false);
  }
  if (wake) wake_.notify_one();
}

void LogWriter::set_output(UniqueFd output) {
  auto next = std::make_shared<const UniqueFd>(std::move(output));
  const std::lock_guard lock(mutex_);
  output_ = std::move(next);
}

std::uint64_t LogWriter::lost() {
  const std::lock_guard lock(mutex_);
  return lost_;
}

void LogWriter::finish(Duration timeout) {
  std::unique_lock lock(mutex_);
  finishing_ = true;
  wake_.notify_one();
  written_.wait_for(lock, timeout, [this] { return waiting_.empty() && !writing_; });
  finishing_ = false;
}

void LogWriter::run() {
  std::string lines;
  std::unique_lock lock(mutex_);
  while (true) {
    sleeping_ = waiting_.empty();
    wake_.wait(lock, [this] { return !waiting_.empty(); });
    lines.swap(waiting_);
    writing_ = true;
    const std::shared_ptr<const UniqueFd> output = output_;
    lock.unlock();
    const std::uint64_t lost = write_all(output->get(), lines);
    // Frees the memory that a burst needed.
    lines = std::string();
    lock.lock();
    lost_ += lost;
    writing_ = false;
    written_.notify_all();
    wake_.wait_for(lock, kLogPause, [this] { return finishing_; });
  }
}

std::uint64_t LogWriter::write_all(int fd, std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = write(fd, lines.data(), lines.size());
    if (written >= 0) {
      lines.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd writable{fd, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
    }
  }
  return 0;
}

}  // namespace streaming
