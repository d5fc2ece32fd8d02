// SPDX-License-Identifier: Apache-2.0
// SocketWatches: what an HTTP engine waits for on its sockets, as polls in the worker's ring.
//
// Owned by the engine, on its thread. A watch has at most one poll in flight, which is armed again after each report as
// long as the engine wants it: the engine may leave something unread. The sockets stay the engine's.

#pragma once

#include "base/slab.h"
#include "ring/ring.h"

namespace streaming {

class SocketOwner {
 public:
  // May add, change and forget watches.
  virtual void on_socket_ready(int fd, short events) = 0;

 protected:
  ~SocketOwner() = default;
};

class SocketWatches {
 public:
  class Watch {
   public:
    Watch(Handle handle, int fd, SocketOwner& owner) : handle_(handle), fd_(fd), owner_(owner) {}

   private:
    friend class SocketWatches;

    const Handle handle_;
    const int fd_;
    SocketOwner& owner_;      // outlives the watch until it is forgotten
    short wanted_ = 0;        // POLLIN, POLLOUT; what the engine waits for
    short armed_ = 0;         // what the poll in flight waits for; 0: none is
    bool cancelled_ = false;  // the poll in flight was cancelled
    bool forgotten_ = false;  // the engine has let go; freed when no poll is in flight
    bool reporting_ = false;  // the engine is being told; what it changes takes effect when it has returned
  };

  explicit SocketWatches(Ring& ring);

  Watch& add(int fd, SocketOwner& owner);
  void want(Watch& watch, short events);
  // Before the engine closes the socket.
  void forget(Watch& watch);

  // Tells the owner, if the watch is still wanted.
  void on_ready(const Completion& completion);

 private:
  // Arms the poll that is wanted and not in flight, cancels the one in flight that is not wanted, frees a forgotten
  // one.
  void settle(Watch& watch);

  Ring& ring_;
  Slab<Watch> watches_;
};

}  // namespace streaming
