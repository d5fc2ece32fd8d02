// What Apache is left with once the client is the daemon's: a socket that is connected to nothing.
//
// Apache goes on using its descriptor after a hand-off, to poll, shut down and close. Were it closed, its number would
// soon be another request's; were it kept, Apache could still read, write or linger on the client. So a dead socket is
// laid over the number: reads give end of file, writes EPIPE, and closing it closes nothing else.
//
// One for each Apache child serves all its hand-offs, from any thread, as nothing that is done to it makes it deader.
// Made before there are requests, so that the last step of a hand-off cannot fail for want of descriptors.

#pragma once

#include "mod_socket_handoff/unique_descriptor.h"

namespace socket_handoff {

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
