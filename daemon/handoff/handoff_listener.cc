// SPDX-License-Identifier: Apache-2.0
#include "handoff/handoff_listener.h"

#include <sys/socket.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "handoff/limits.h"

namespace streaming {
namespace {

static_assert(kAcceptsAtOnce < 32, "accepting_ has a bit for each accept");
constexpr std::uint32_t kAllAccepts = (std::uint32_t{1} << kAcceptsAtOnce) - 1;

Tag accept_tag(int number) {
  return Tag{Operation::kAccept, Handle{static_cast<std::uint32_t>(number), 0}};
}

// The tag holds the connection's number here and the worker that it goes to.
Tag passed_tag(RingFile connection, std::uint32_t worker) {
  return Tag{Operation::kConnectionPassed, Handle{static_cast<std::uint32_t>(connection.number()), worker}};
}

// A worker that is full would refuse the client, so it comes last; next to last come workers that are behind.
auto rank(const WorkerLoad& load) {
  return std::tuple(load.room() > 0, !load.behind(kMaxUnread), load.room());
}

bool is_ahead(const WorkerLoad& load, const WorkerLoad& other) {
  const std::uint32_t others = other.assigned.load(std::memory_order_relaxed);
  return load.assigned.load(std::memory_order_relaxed) > others + others / kMostAhead;
}

// The connection is still in the backlog.
bool is_shortage(int error) {
  return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS;
}

}  // namespace

void HandoffListener::accept_more_unless_behind(std::uint32_t unread) {
  if (own_load_.behind(unread)) return timers_.schedule(retry_, kBehindPause);
  accept_more();
  if (accepting_ == 0) timers_.schedule(retry_, kBehindPause);
}

void HandoffListener::accept_more() {
  while (accepting_ != kAllAccepts && own_load_.take_slot()) {
    const int number = std::countr_one(accepting_);
    accepting_ |= std::uint32_t{1} << number;
    ring_.submit_accept(RingFile::regular(socket_), accept_tag(number));
  }
}

void HandoffListener::stop() {
  stopping_ = true;
  retry_.stop();
  if (accepting_ == 0) return accept_the_last();
  for (std::uint32_t left = accepting_; left != 0; left &= left - 1)
    ring_.submit_cancel(accept_tag(std::countr_zero(left)));
}

// A peer in the backlog may have sent its hand-off and closed already. Closing the socket would lose its client.
void HandoffListener::accept_the_last() {
  while (!own_load_.behind(kMaxUnread) && own_load_.take_slot()) {
    const int fd = accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      keep(RingFile::regular(fd));
      continue;
    }
    const int error = errno;
    own_load_.give_slot_back();
    if (is_shortage(error)) return on_accept_failed(error);
    if (error == EINTR || error == ECONNABORTED) continue;
    stopped_ = true;
    return;
  }
  timers_.schedule(retry_, kBehindPause);
}

void HandoffListener::abandon() {
  stopped_ = true;
  retry_.stop();
  passing_ = 0;
}

void HandoffListener::on_accept(const Completion& completion) {
  accepting_ &= ~(std::uint32_t{1} << completion.tag.slot.index);
  completion.result >= 0 ? assign(ring_.file_of(completion.result)) : own_load_.give_slot_back();
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
  WorkerLoad& chosen = choose_worker();
  if (&chosen == &own_load_ || !chosen.take_slot()) return keep(connection);
  chosen.assign();
  ++passing_;
  ring_.submit_pass_file(connection, chosen.ring, Tag{Operation::kConnectionArrived, {}},
                         passed_tag(connection, chosen.worker));
}

void HandoffListener::keep(RingFile connection) {
  own_load_.assign();
  own_receiver_.on_connection(connection);
}

void HandoffListener::on_passed(const Completion& completion) {
  --passing_;
  const RingFile connection = ring_.file_of(static_cast<std::int32_t>(completion.tag.slot.index));
  if (completion.result >= 0) {
    if (connection.is_direct()) ring_.submit_close(connection, Tag{});
    return own_load_.give_slot_back();
  }
  // The other ring has no memory, or its worker has ended: this worker serves the connection.
  WorkerLoad& other = loads_[completion.tag.slot.generation];
  log::warn("cannot pass a hand-off to worker {}: {}", other.worker, std::strerror(-completion.result));
  other.release();
  other.look_at();
  other.give_slot_back();
  keep(connection);
}

// To pass a connection on wakes a second worker, so a worker keeps what it has accepted if another one could take it
// hardly better.
WorkerLoad& HandoffListener::choose_worker() {
  WorkerLoad* roomiest = &own_load_;
  for (WorkerLoad& load : loads_) {
    if (rank(load) > rank(*roomiest)) roomiest = &load;
  }
  if (roomiest->room() <= 0) return own_load_;  // any worker would refuse it
  const bool can_keep = own_load_.room() > 0 && !own_load_.behind(kMaxUnread);
  return can_keep && !is_ahead(own_load_, *roomiest) ? own_load_ : *roomiest;
}

}  // namespace streaming
