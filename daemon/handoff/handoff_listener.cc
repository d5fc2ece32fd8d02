// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff_listener.h"

#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "handoff/limits.h"

namespace streaming {
namespace {

static_assert(kAcceptsAtOnce == 64, "accepting_ has a bit for each accept");

Tag accept_tag(int number) {
  return Tag{Operation::kAccept, Handle{static_cast<std::uint32_t>(number), 0}};
}

// The tag holds the connection's number here and the worker that it goes to.
Tag passed_tag(RingFile connection, std::size_t worker) {
  return Tag{Operation::kConnectionPassed,
             Handle{static_cast<std::uint32_t>(connection.number()), static_cast<std::uint32_t>(worker)}};
}

}  // namespace

void HandoffListener::accept_more_unless_behind(std::uint32_t unread) {
  if (!all_behind(unread) && has_slot()) return accept_more();
  timers_.schedule(retry_, kBehindPause);
}

void HandoffListener::accept_more() {
  while (~accepting_ != 0 && has_slot()) {
    const int number = std::countr_one(accepting_);
    accepting_ |= std::uint64_t{1} << number;
    ring_.submit_accept(RingFile::regular(socket_.get()), accept_tag(number));
  }
}

void HandoffListener::stop() {
  stopping_ = true;
  retry_.stop();
  if (accepting_ == 0) return accept_the_last();
  for (std::uint64_t left = accepting_; left != 0; left &= left - 1)
    ring_.submit_cancel(accept_tag(std::countr_zero(left)));
}

// A peer in the backlog may have sent its hand-off and closed already. Closing the socket would lose its client.
void HandoffListener::accept_the_last() {
  while (!loads_.front().behind(kMaxUnread) && has_slot()) {
    const int fd = accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return socket_.reset();
    loads_.front().assign();
    own_receiver_.on_connection(RingFile::regular(fd));
  }
  timers_.schedule(retry_, kBehindPause);
}

void HandoffListener::abandon() {
  // Operations in flight keep the socket open beyond its descriptor.
  shutdown(socket_.get(), SHUT_RDWR);
  socket_.reset();
  retry_.stop();
  passing_ = 0;
}

void HandoffListener::on_accept(const Completion& completion) {
  accepting_ &= ~(std::uint64_t{1} << completion.tag.slot.index);
  if (completion.result >= 0) assign(ring_.file_of(completion.result));
  if (stopping_) {
    if (accepting_ == 0) accept_the_last();
  } else if (completion.result < 0) {
    on_accept_failed(-completion.result);
  } else if (!retry_.pending()) {
    accept_more_unless_behind(kMaxUnread);
  }
}

// ENFILE, ENOMEM and the like are transient. An immediate retry would fail again, and each failure may cost a
// connection.
void HandoffListener::on_accept_failed(int code) {
  counters_.add(Counter::kAcceptsFailed);
  if (!retry_.pending()) log::warn("cannot accept a hand-off: {}; trying again", std::strerror(code));
  timers_.schedule(retry_, kAcceptRetryPause);
}

void HandoffListener::on_timer(Timer&) {
  if (stopping_) return accept_the_last();
  accept_more_unless_behind(kMaxUnread / 2);
}

void HandoffListener::assign(RingFile connection) {
  const std::size_t worker = roomiest_worker();
  loads_[worker].assign();
  if (worker == 0) return own_receiver_.on_connection(connection);
  ++passing_;
  ring_.submit_pass_file(connection, loads_[worker].ring, Tag{Operation::kConnectionArrived, {}},
                         passed_tag(connection, worker));
}

void HandoffListener::on_passed(const Completion& completion) {
  --passing_;
  const RingFile connection = ring_.file_of(static_cast<std::int32_t>(completion.tag.slot.index));
  if (completion.result >= 0) {
    if (connection.is_direct()) ring_.submit_close(connection, Tag{});
    return;
  }
  // The other ring has no free slot or no memory, or its worker has ended: this worker serves the connection.
  WorkerLoad& other = loads_[completion.tag.slot.generation];
  log::warn("cannot pass a hand-off to worker {}: {}", completion.tag.slot.generation,
            std::strerror(-completion.result));
  other.release();
  other.look_at();
  loads_.front().assign();
  own_receiver_.on_connection(connection);
}

// A worker that is full would refuse the client, so it comes last; next to last come workers that are behind.
std::size_t HandoffListener::roomiest_worker() const {
  const auto rank = [](const WorkerLoad& load) {
    return std::tuple(load.room() > 0, !load.behind(kMaxUnread), load.room());
  };
  std::size_t roomiest = 0;
  for (std::size_t worker = 1; worker < loads_.size(); ++worker) {
    if (rank(loads_[worker]) > rank(loads_[roomiest])) roomiest = worker;
  }
  return roomiest;
}

// Full workers do not count unless all are full: the next connection does not go to them.
bool HandoffListener::all_behind(std::uint32_t unread) const {
  const bool all_full =
      std::all_of(loads_.begin(), loads_.end(), [](const WorkerLoad& load) { return load.room() <= 0; });
  return std::all_of(loads_.begin(), loads_.end(),
                     [=](const WorkerLoad& load) { return load.behind(unread) || (load.room() <= 0 && !all_full); });
}

bool HandoffListener::has_slot() const {
  return own_receiver_.connections() + passing_ + static_cast<std::uint32_t>(std::popcount(accepting_)) <
         kMaxHandoffConnections;
}

}  // namespace streaming
