// SPDX-License-Identifier: Apache-2.0
// Predecessor: the daemon whose place this one has taken, and which still has the answers that it began.
//
// One per process, owned by the Server; outlives the workers, all of which may use it. What it is asked is a hand-off
// whose client is one end of a socket pair; it answers on that like any client's daemon.

#pragma once

#include <atomic>
#include <string_view>

#include "base/unique_fd.h"

namespace streaming {

class Predecessor {
 public:
  // `channel` is a socket of SOCK_SEQPACKET; another file, as an earlier daemon passes it, can be asked nothing.
  explicit Predecessor(UniqueFd channel) : channel_(std::move(channel)) {}

  // Tells it that this daemon serves. Before that it can be asked nothing, so this daemon accepts nothing.
  void report_that_we_serve();
  // Readable when it has ended.
  int channel() const { return channel_.get(); }
  void note_end() { reachable_.store(false, std::memory_order_relaxed); }

  // False once it has ended, and if it cannot be asked.
  bool reachable() const { return reachable_.load(std::memory_order_relaxed); }

  // The other end of the client's socket, whose descriptor is below `descriptors`; none if it cannot be asked.
  UniqueFd ask(std::string_view payload, int descriptors);

 private:
  const UniqueFd channel_;
  std::atomic<bool> reachable_{false};
};

}  // namespace streaming
