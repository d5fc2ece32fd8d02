// SPDX-License-Identifier: Apache-2.0
// File descriptors and who closes them: a descriptor with one owner, and the dead socket that replaces the client's in
// Apache after a hand-off. Pure: knows nothing of httpd.

#pragma once

#include <unistd.h>

#include <utility>

namespace socket_handoff {

// A file descriptor with one owner, who closes it by ending. Lives on the stack of the Apache thread that serves the
// request, or in what a child keeps; never in a pool, which would not call the destructor.
class UniqueDescriptor {
 public:
  UniqueDescriptor() = default;
  explicit UniqueDescriptor(int descriptor) : descriptor_(descriptor) {}  // takes it over; -1 for none
  UniqueDescriptor(UniqueDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  UniqueDescriptor& operator=(UniqueDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~UniqueDescriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }  // borrowed

 private:
  int descriptor_ = -1;
};

// What Apache keeps of a client that is the daemon's: a socket whose other end is closed already.
//
// Apache goes on using its descriptor after a hand-off, to poll, shut down and close it. If it were closed, its number
// would soon belong to another request. If it stayed open, Apache could read from the client, write to it or linger on
// it. So a dead socket replaces it under the same number: reads give end of file, writes give EPIPE, and closing it
// closes nothing else.
//
// One for each Apache child. All threads share it: no operation changes its state. It is created before there are
// requests, so that the last step of a hand-off cannot fail for lack of descriptors.
class DeadSocket {
 public:
  static DeadSocket create();  // empty, and errno set, if descriptors have run out

  explicit operator bool() const { return static_cast<bool>(descriptor_); }

  // Closes what `descriptor` refers to and makes that number refer to the dead socket. False, and errno set, if
  // `descriptor` is not open. This must not be empty.
  [[nodiscard]] bool replace(int descriptor) const;

 private:
  explicit DeadSocket(UniqueDescriptor descriptor);

  UniqueDescriptor descriptor_;
};

}  // namespace socket_handoff
