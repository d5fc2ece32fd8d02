// SPDX-License-Identifier: Apache-2.0
// UniqueFd: owns one descriptor of the process and closes it. Move only. Any thread, one at a time.

#pragma once

#include <unistd.h>

#include <utility>

namespace streaming {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

  // Closes its descriptor and owns `fd` from now on. It ignores an error of close(), because the number is free in any
  // case.
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace streaming
