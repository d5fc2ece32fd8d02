// SocketWatches: what an HTTP engine waits for on its sockets, as polls in the worker's ring.
//
// Owned by the engine, on its thread. A watch has at most one poll in flight, which is armed again after each report as
// long as the engine wants it: the engine may leave something unread. The sockets stay the engine's.

#pragma once

#include <poll.h>

#include <cerrno>

#include "base/slab.h"
#include "ring/ring.h"

namespace streaming {

class SocketWatches {
 public:
  class Watch {
   public:
    Watch(Handle handle, int fd) : handle_(handle), fd_(fd) {}

   private:
    friend class SocketWatches;

    const Handle handle_;
    const int fd_;
    short wanted_ = 0;        // POLLIN, POLLOUT; what the engine waits for
    short armed_ = 0;         // what the poll in flight waits for; 0: none is
    bool cancelled_ = false;  // the poll in flight was cancelled
    bool forgotten_ = false;  // the engine has let go; freed when no poll is in flight
    bool reporting_ = false;  // the engine is being told; what it changes takes effect when it has returned
  };

  explicit SocketWatches(Ring& ring);

  Watch& add(int fd);
  void want(Watch& watch, short events);
  // Before the engine closes the socket.
  void forget(Watch& watch);

  // Calls report(fd, events) for a watch that is still wanted. The report may add, change and forget watches.
  template <typename Report>
  void on_ready(const Completion& completion, Report&& report) {
    Watch& watch = completed(completion);
    watch.reporting_ = true;
    // A cancellation, or the kernel's want of memory, says nothing of the socket.
    const bool says_something = completion.result != -ECANCELED && completion.result != -ENOMEM;
    if (!watch.forgotten_ && says_something) {
      report(watch.fd_, static_cast<short>(completion.result > 0 ? completion.result : POLLERR));
    }
    watch.reporting_ = false;
    settle(watch);
  }

 private:
  Watch& completed(const Completion& completion);
  // Arms the poll that is wanted and not in flight, cancels the one in flight that is not wanted, frees a forgotten
  // one.
  void settle(Watch& watch);

  Ring& ring_;
  Slab<Watch> watches_;
};

}  // namespace streaming
