// SPDX-License-Identifier: Apache-2.0
#include "upstream/socket_watches.h"

#include <poll.h>

#include <cerrno>

namespace streaming {

SocketWatches::SocketWatches(Ring& ring) : ring_(ring), watches_(kUnlimited) {  // the limit of open files bounds it
}

SocketWatches::Watch& SocketWatches::add(int fd, SocketOwner& owner) {
  return *watches_.create(fd, owner);
}

void SocketWatches::want(Watch& watch, short events) {
  CHECK(!watch.forgotten_);
  watch.wanted_ = events;
  settle(watch);
}

void SocketWatches::forget(Watch& watch) {
  CHECK(!watch.forgotten_);
  watch.wanted_ = 0;
  watch.forgotten_ = true;
  settle(watch);
}

void SocketWatches::on_ready(const Completion& completion) {
  Watch* watch = watches_.find(completion.tag.slot);
  CHECK(watch != nullptr && watch->armed_ != 0);
  watch->armed_ = 0;
  watch->cancelled_ = false;
  watch->reporting_ = true;
  // A cancellation, or the kernel's want of memory, says nothing of the socket.
  const bool says_something = completion.result != -ECANCELED && completion.result != -ENOMEM;
  if (!watch->forgotten_ && says_something) {
    const int events = completion.result > 0 ? completion.result : POLLERR;
    watch->owner_.on_socket_ready(watch->fd_, static_cast<short>(events));
  }
  watch->reporting_ = false;
  settle(*watch);
}

void SocketWatches::settle(Watch& watch) {
  if (watch.reporting_) return;
  if (watch.armed_ != 0) {
    if (watch.wanted_ == watch.armed_ || watch.cancelled_) return;
    watch.cancelled_ = true;
    ring_.submit_cancel(Tag{Operation::kUpstreamReady, watch.handle_});
    return;
  }
  if (watch.forgotten_) {
    watches_.destroy(watch, watch.handle_);
  } else if (watch.wanted_ != 0) {
    watch.armed_ = watch.wanted_;
    ring_.submit_poll(RingFile::regular(watch.fd_), watch.armed_, Tag{Operation::kUpstreamReady, watch.handle_});
  }
}

}  // namespace streaming
