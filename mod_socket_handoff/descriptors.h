// File descriptors and who closes them: a descriptor with one owner, and the dead socket that replaces the client's in
// Apache after a hand-off.

#pragma once

#include <unistd.h>

#include <utility>

namespace socket_handoff {

// A file descriptor with one owner: closed when its owner goes.
//
// Lives on the stack of the Apache thread that serves the request; never shared, never in a pool.
class UniqueDescriptor {
 public:
  UniqueDescriptor() = default;
  explicit UniqueDescriptor(int descriptor) : descriptor_(descriptor) {}
  UniqueDescriptor(UniqueDescriptor&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  UniqueDescriptor& operator=(UniqueDescriptor&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~UniqueDescriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  explicit operator bool() const { return descriptor_ >= 0; }
  int get() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

// What Apache is left with once the client is the daemon's: a socket that is connected to nothing.
//
// Apache goes on using its descriptor after a hand-off, to poll, shut down and close. Were it closed, its number would
// soon be another request's; were it kept, Apache could still read, write or linger on the client. So a dead socket is
// laid over the number: reads give end of file, writes EPIPE, and closing it closes nothing else.
//
// One for each Apache child serves all its hand-offs, from any thread, as nothing that is done to it makes it deader.
// Made before there are requests, so that the last step of a hand-off cannot fail for want of descriptors.
class DeadSocket {
 public:
  static DeadSocket create();  // empty, and errno set, where descriptors have run out

  explicit operator bool() const { return static_cast<bool>(descriptor_); }

  // Closes what `descriptor` was and makes that number refer to the dead socket. False and errno where it is not open.
  [[nodiscard]] bool lay_over(int descriptor) const;

 private:
  explicit DeadSocket(UniqueDescriptor descriptor);

  UniqueDescriptor descriptor_;
};

}  // namespace socket_handoff
