// SPDX-License-Identifier: Apache-2.0
// File: an open file of the simulated kernel, to which descriptors, slots of rings' tables, operations in flight and
// messages under way refer. It is closed when the last of them is gone, as in a real kernel: a poll in flight keeps a
// socket open.
//
// Functions return a system call's result; a negative errno if it failed. They never wait: a ring's operation that has to
// wait does so in the list of its file (FileWaiter), and is tried again at each change.

#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace streaming::simulation {

class FileWaiter {
 public:
  // The file's state has changed. May leave its list.
  virtual void on_change() = 0;

 protected:
  ~FileWaiter() = default;
};

class File {
 public:
  virtual ~File() = default;
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // The kernel has no memory for what a daemon is about to do with it.
  virtual void note_dropped() {}
  // The process that has it is killed.
  virtual void note_killed() {}
  // What a poll reports now, of all events.
  virtual short events() const { return 0; }
  virtual std::int64_t send(std::span<const char>) { return -ENOTSOCK; }
  virtual std::int64_t receive(std::span<char>) { return -ENOTSOCK; }
  // How much receive() has.
  virtual std::size_t receivable() const { return 0; }
  // Into `message` and its control data, whose descriptors are the current process's.
  virtual std::int64_t receive_message(std::span<char>, msghdr&) { return -ENOTSOCK; }
  virtual std::int64_t connect(const sockaddr&, socklen_t) { return -ENOTSOCK; }
  // Takes the error that a failed connect has left: 0 once it is connected; -EINPROGRESS before.
  virtual std::int64_t connected() { return -ENOTCONN; }
  virtual std::shared_ptr<File> accept(int& error) {
    error = ENOTSOCK;
    return nullptr;
  }
  virtual std::int64_t shutdown(int) { return -ENOTSOCK; }
  virtual std::int64_t unacknowledged() { return -ENOTTY; }
  virtual std::int64_t set_option(int, int, const void*, socklen_t) { return -ENOTSOCK; }
  virtual std::int64_t option(int, int, void*, socklen_t&) { return -ENOTSOCK; }

  void add(FileWaiter& waiter) { waiters_.push_back(&waiter); }
  void remove(FileWaiter& waiter) { std::erase(waiters_, &waiter); }

  // Fcntl's.
  int status_flags = 0;

 protected:
  void changed() {
    const std::vector<FileWaiter*> waiters = waiters_;  // the oldest first
    for (FileWaiter* waiter : waiters) {
      if (std::find(waiters_.begin(), waiters_.end(), waiter) != waiters_.end()) waiter->on_change();
    }
  }

 private:
  std::vector<FileWaiter*> waiters_;
};

}  // namespace streaming::simulation
