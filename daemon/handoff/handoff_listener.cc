#include "handoff/handoff_listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/limits.h"
#include "base/log.h"

namespace streaming {
namespace {

constexpr Tag kAcceptTag{Operation::kAccept, {}};

// Where a passed connection came from and went to, in the tag of the operation that passes it.
Tag passed_tag(RingFile connection, std::size_t worker) {
  return Tag{Operation::kConnectionPassed,
             Handle{static_cast<std::uint32_t>(connection.number()), static_cast<std::uint32_t>(worker)}};
}

}  // namespace

void HandoffListener::start() {
  accepting_ = true;
  ring_.submit_accept(RingFile::regular(socket_.get()), kAcceptTag);
}

void HandoffListener::stop() {
  stopping_ = true;
  retry_.stop();
  if (accepting_) {
    ring_.submit_cancel(kAcceptTag);
  } else {
    accept_the_last();
  }
}

// Who is in the backlog has sent its hand-off and may be gone: to close the socket would lose its client.
void HandoffListener::accept_the_last() {
  for (int fd; (fd = accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
    loads_.front().assign();
    own_receiver_.on_connection(RingFile::regular(fd));
  }
  socket_.reset();
}

void HandoffListener::on_accept(const Completion& completion) {
  accepting_ = completion.more;
  if (completion.result >= 0) {
    const RingFile connection = ring_.file_of(completion.result);
    const std::size_t worker = roomiest_worker();
    loads_[worker].assign();
    if (worker == 0) {
      own_receiver_.on_connection(connection);
    } else {
      ++passing_;
      ring_.submit_pass_file(connection, loads_[worker].ring, Tag{Operation::kConnectionArrived, {}},
                             passed_tag(connection, worker));
    }
  }
  if (accepting_) return;
  if (stopping_) {
    accept_the_last();
  } else if (completion.result >= 0) {
    start();
  } else {
    // ENFILE, ENOMEM and the like pass. At once it would fail again, and each time the kernel may drop a connection.
    log::warn("cannot accept a hand-off: {}; trying again", std::strerror(-completion.result));
    timers_.schedule(retry_, kAcceptRetryPause);
  }
}

void HandoffListener::on_passed(const Completion& completion) {
  --passing_;
  if (completion.result < 0) {
    // Closing it below tells Apache, which answers its client itself.
    log::error("cannot pass a hand-off to worker {}: {}", completion.tag.slot.generation,
               std::strerror(-completion.result));
    loads_[completion.tag.slot.generation].release();
  }
  const RingFile connection = ring_.file_of(static_cast<std::int32_t>(completion.tag.slot.index));
  if (completion.result < 0 || connection.is_direct()) ring_.submit_close(connection, Tag{});
}

std::size_t HandoffListener::roomiest_worker() const {
  std::size_t roomiest = 0;
  for (std::size_t worker = 1; worker < loads_.size(); ++worker) {
    if (loads_[worker].room() > loads_[roomiest].room()) roomiest = worker;
  }
  return roomiest;
}

}  // namespace streaming
