// SPDX-License-Identifier: Apache-2.0
#include "ring/epoll_ring.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/json_input.h"
#include "ring/limits.h"
#include "ring/socket_calls.h"

namespace streaming {
namespace {

static_assert(POLLIN == EPOLLIN && POLLOUT == EPOLLOUT && POLLRDHUP == EPOLLRDHUP && POLLERR == EPOLLERR &&
              POLLHUP == EPOLLHUP);

// What epoll returns with an event.
std::uint64_t mark(int fd, std::uint32_t registration) {
  return std::uint64_t{registration} << 32 | static_cast<std::uint32_t>(fd);
}

// The rings to which files can be passed, by their numbers.
struct Rings {
  std::mutex mutex;
  std::unordered_map<int, EpollRing*> by_number;
};

Rings& rings() {
  static Rings all;
  return all;
}

std::int32_t result_of(ssize_t result) {
  return result >= 0 ? static_cast<std::int32_t>(result) : -errno;
}

// epoll_wait() counts milliseconds; rounded up, so that it does not return before a timer is due.
int milliseconds(std::optional<std::int64_t> timeout_ns) {
  if (!timeout_ns) return -1;
  constexpr std::int64_t kNsPerMs = 1'000'000;
  constexpr std::int64_t kLongest = 60'000;
  return static_cast<int>(std::min(std::max<std::int64_t>(*timeout_ns + kNsPerMs - 1, 0) / kNsPerMs, kLongest));
}

// The descriptor's own mode is blocking, for engines that need that.
std::int32_t begin_to_connect(int fd, const void* address, std::uint64_t length) {
  const int flags = fcntl(fd, F_GETFL);
  fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  const std::int32_t result =
      result_of(connect(fd, static_cast<const sockaddr*>(address), static_cast<socklen_t>(length)));
  fcntl(fd, F_SETFL, flags);
  return result;
}

std::int32_t socket_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? -error : -errno;
}

}  // namespace

// A request that waits for its descriptor.
struct EpollRing::Waiting {
  Waiting(Handle its_handle, const Request& its_request) : handle(its_handle), request(its_request) {}

  const Handle handle;
  const Request request;
  ByTag::iterator by_tag;
  Waiting* next = nullptr;  // of the same descriptor
};

Result<std::unique_ptr<Ring>> EpollRing::create(const RingOptions& options) {
  std::unique_ptr<EpollRing> ring(new EpollRing(options));
  if (Status opened = ring->open(); !opened) return opened.error();
  return std::unique_ptr<Ring>(std::move(ring));
}

Status EpollRing::open() {
  epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return Error::from_errno("cannot create an epoll set", errno);
  wakeup_ = UniqueFd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeup_) return Error::from_errno("cannot create an eventfd", errno);
  epoll_event wakeup{.events = EPOLLIN, .data = {.u64 = mark(wakeup_.get(), 0)}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &wakeup) != 0) {
    return Error::from_errno("cannot watch an eventfd", errno);
  }
  Result<UndumpedMemory> buffer =
      UndumpedMemory::map(std::max(options_.receive_bytes, options_.stream_bytes) + kJsonPadding);
  if (!buffer) return buffer.error();
  buffer_ = std::move(*buffer);
  blocking_calls_.emplace(wakeup_.get());
  const std::lock_guard lock(rings().mutex);
  rings().by_number.emplace(wakeup_.get(), this);
  return success();
}

EpollRing::~EpollRing() {
  const std::lock_guard lock(rings().mutex);
  rings().by_number.erase(wakeup_.get());
}

Result<RingFile> EpollRing::adopt(std::uint32_t, UniqueFd& fd) {
  return RingFile::regular(fd.release());
}

RingFile EpollRing::file_of(std::int32_t result) const {
  CHECK(result >= 0);
  return RingFile::regular(result);
}

// --- Requests -------------------------------------------------------------------------------------------------------

void EpollRing::submit_accept(RingFile listener, Tag tag) {
  submit({.tag = tag, .kind = Kind::kAccept, .fd = listener.number()});
}

void EpollRing::submit_pass_file(RingFile file, int target, Tag arrival, Tag tag) {
  submit({.tag = tag, .kind = Kind::kPassFile, .fd = file.number(), .target = target, .number = arrival.encode()});
}

void EpollRing::submit_receive_message(RingFile file, msghdr& message, bool wait, Tag tag) {
  submit({.tag = tag,
          .kind = wait ? Kind::kReceiveMessage : Kind::kReceiveMessageNow,
          .fd = file.number(),
          .memory = &message});
}

void EpollRing::submit_connect(RingFile file, const sockaddr& address, socklen_t length, Tag tag) {
  // Only read, but a request's memory is not const.
  submit({.tag = tag,
          .kind = Kind::kConnect,
          .fd = file.number(),
          .memory = const_cast<sockaddr*>(&address),
          .number = length});
}

void EpollRing::submit_receive_stream(RingFile file, Tag tag) {
  submit({.tag = tag, .kind = Kind::kReceiveStream, .fd = file.number()});
}

void EpollRing::submit_receive_available(RingFile file, Tag tag) {
  submit({.tag = tag, .kind = Kind::kReceiveAvailable, .fd = file.number()});
}

void EpollRing::submit_send(RingFile file, std::span<const char> bytes, Tag tag) {
  submit({.tag = tag,
          .kind = Kind::kSend,
          .fd = file.number(),
          .memory = const_cast<char*>(bytes.data()),
          .number = bytes.size()});
}

void EpollRing::submit_receive(RingFile file, std::span<char> bytes, Tag tag) {
  submit(
      {.tag = tag, .kind = Kind::kReceive, .fd = file.number(), .memory = bytes.data(), .number = bytes.size()});
}

// A pipe can be waited for; a disk cannot.
void EpollRing::submit_read(RingFile file, std::span<char> bytes, std::uint64_t offset, Tag tag) {
  struct stat status {};
  if (offset == kFromPosition && fstat(file.number(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return submit(
        {.tag = tag, .kind = Kind::kRead, .fd = file.number(), .memory = bytes.data(), .number = bytes.size()});
  }
  blocking_calls_->submit(tag, [fd = file.number(), bytes, offset] {
    return result_of(offset == kFromPosition ? read(fd, bytes.data(), bytes.size())
                                             : pread(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
  });
}

void EpollRing::submit_write(RingFile file, std::span<const char> bytes, std::uint64_t offset, Tag tag) {
  blocking_calls_->submit(tag, [fd = file.number(), bytes, offset] {
    return result_of(pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)));
  });
}

void EpollRing::submit_sync(RingFile file, Tag tag) {
  blocking_calls_->submit(tag, [fd = file.number()] { return result_of(fdatasync(fd)); });
}

void EpollRing::submit_open(int directory, const char* path, const open_how& how, Tag tag) {
  blocking_calls_->submit(tag, [directory, path, &how] {
    // Which kernels before 5.6 lack.
    return result_of(how.resolve == 0 ? openat(directory, path, static_cast<int>(how.flags), static_cast<mode_t>(how.mode))
                                      : syscall(SYS_openat2, directory, path, &how, sizeof how));
  });
}

void EpollRing::submit_file_status(RingFile file, struct statx& status, Tag tag) {
  blocking_calls_->submit(tag, [fd = file.number(), &status] {
    return result_of(statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE, &status));
  });
}

void EpollRing::submit_remove(int directory, const char* path, Tag tag) {
  blocking_calls_->submit(tag, [directory, path] { return result_of(unlinkat(directory, path, 0)); });
}

void EpollRing::submit_poll(RingFile file, short events, Tag tag) {
  submit({.tag = tag, .kind = Kind::kPoll, .events = events, .fd = file.number()});
}

void EpollRing::submit_shutdown_write(RingFile file, Tag tag) {
  submit({.tag = tag, .kind = Kind::kShutdownWrite, .fd = file.number()});
}

void EpollRing::submit_count_unacknowledged(RingFile file, Tag tag) {
  submit({.tag = tag, .kind = Kind::kCountUnacknowledged, .fd = file.number()});
}

void EpollRing::submit_close(RingFile file, Tag tag) {
  submit({.tag = tag, .kind = Kind::kClose, .fd = file.number()});
}

void EpollRing::submit_cancel(Tag target) {
  submit({.tag = target, .kind = Kind::kCancel});
}

// --- A turn ---------------------------------------------------------------------------------------------------------

Status EpollRing::wait(std::optional<std::int64_t> timeout_ns) {
  for (const Request& request : requests_) carry_out(request);
  requests_.clear();
  update_registrations();
  const bool has_work = !completions_.empty() || !to_receive_.empty();
  const int count = epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()),
                               has_work ? 0 : milliseconds(timeout_ns));
  event_count_ = static_cast<std::size_t>(std::max(count, 0));
  if (count < 0 && errno != EINTR) return Error::from_errno("epoll_wait", errno);
  return success();
}

// The handler only adds to requests_.
bool EpollRing::dispatch(CompletionHandler& handler) {
  const bool has_any = !completions_.empty() || !to_receive_.empty() || event_count_ > 0;
  for (const Completion& completion : completions_) hand_out(completion, handler);
  completions_.clear();
  for (const Request& request : to_receive_) {
    if (receive(request, handler)) wait_for_event(request);
  }
  to_receive_.clear();
  for (const epoll_event& event : std::span(events_).first(std::exchange(event_count_, 0))) {
    event.data.u64 == mark(wakeup_.get(), 0) ? take_arrivals(handler) : take_event(event, handler);
  }
  return has_any;
}

void EpollRing::complete(Tag tag, std::int32_t result) {
  completions_.push_back({.tag = tag, .result = result, .more = false, .buffer = {}});
}

void EpollRing::hand_out(const Completion& completion, CompletionHandler& handler) {
  if (completion.tag.operation != Operation::kNone) handler.on_completion(completion);
}

void EpollRing::carry_out(const Request& request) {
  // As io_uring completes it.
  if (request.fd < 0 && request.kind != Kind::kCancel) return complete(request.tag, -EBADF);
  switch (request.kind) {
    case Kind::kSend:
    case Kind::kReceive:
    case Kind::kShutdownWrite:
    case Kind::kCountUnacknowledged:
      return complete(request.tag, call(request));
    case Kind::kClose:
      return close_file(request);
    case Kind::kPassFile:
      return pass_file(request);
    case Kind::kCancel:
      return cancel(request.tag);
    case Kind::kAccept:
      return accept_or_wait(request);
    case Kind::kConnect:
      return connect_or_wait(request);
    case Kind::kReceiveAvailable:
    case Kind::kReceiveMessageNow:
    case Kind::kReceiveMessage:
      return to_receive_.push_back(request);
    case Kind::kPoll:
    case Kind::kReceiveStream:
    case Kind::kRead:
      return wait_for_event(request);
  }
}

std::int32_t EpollRing::call(const Request& request) {
  switch (request.kind) {
    case Kind::kSend:
      return result_of(send(request.fd, request.memory, request.number, MSG_DONTWAIT | MSG_NOSIGNAL));
    case Kind::kReceive:
      return result_of(recv(request.fd, request.memory, request.number, MSG_DONTWAIT));
    case Kind::kShutdownWrite:
      return shut_down_write(request.fd);
    case Kind::kCountUnacknowledged:
      return count_unacknowledged(request.fd);
    default:
      CHECK(!"a call that never waits");
  }
  return -EINVAL;
}

// Those that wait already come first; then there is nothing to accept.
void EpollRing::accept_or_wait(const Request& request) {
  if (watched(request.fd).first != nullptr) return wait_for_event(request);
  const std::int32_t result = result_of(accept4(request.fd, nullptr, nullptr, SOCK_CLOEXEC));
  result == -EAGAIN ? wait_for_event(request) : complete(request.tag, result);
}

void EpollRing::connect_or_wait(const Request& request) {
  const std::int32_t result = begin_to_connect(request.fd, request.memory, request.number);
  result == -EINPROGRESS ? wait_for_event(request) : complete(request.tag, result);
}

// The sender may still have the file open. Then closing it here would not end its registration.
void EpollRing::close_file(const Request& request) {
  Watched& file = watched(request.fd);
  CHECK(file.first == nullptr);
  if (std::exchange(file.events, 0) != 0) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, request.fd, nullptr);
  complete(request.tag, result_of(close(request.fd)));
}

// The rings of a process share its descriptors, so the number is enough.
void EpollRing::pass_file(const Request& request) {
  const std::lock_guard lock(rings().mutex);
  const auto target = rings().by_number.find(request.target);
  if (target == rings().by_number.end()) return complete(request.tag, -EBADF);
  {
    const std::lock_guard arrivals_lock(target->second->arrivals_mutex_);
    target->second->arrivals_.push_back(
        {.tag = Tag::decode(request.number), .result = request.fd, .more = false, .buffer = {}});
  }
  eventfd_write(request.target, 1);
  complete(request.tag, 0);
}

void EpollRing::cancel(Tag target) {
  const auto has_tag = [target](const Request& request) { return request.tag == target; };
  if (const auto found = by_tag_.find(target.encode()); found != by_tag_.end()) {
    stop_waiting(*found->second);
  } else if (const auto untried = std::find_if(to_receive_.begin(), to_receive_.end(), has_tag);
             untried != to_receive_.end()) {
    to_receive_.erase(untried);
  } else {
    return blocking_calls_->cancel(target);
  }
  complete(target, -ECANCELED);
}

// --- Waiting for events ---------------------------------------------------------------------------------------------

EpollRing::Watched& EpollRing::watched(int fd) {
  CHECK(fd >= 0);
  const auto index = static_cast<std::size_t>(fd);
  if (watched_.size() <= index) watched_.resize(index + 1);
  return watched_[index];
}

std::uint32_t EpollRing::events_of(const Request& request) {
  if (request.kind == Kind::kPoll) return static_cast<std::uint32_t>(request.events);
  return request.kind == Kind::kConnect ? EPOLLOUT : EPOLLIN;
}

void EpollRing::wait_for_event(const Request& request) {
  Waiting* waiting = waiting_.create(request);
  CHECK(waiting != nullptr);
  waiting->by_tag = by_tag_.emplace(request.tag.encode(), waiting);
  Watched& file = watched(request.fd);
  if (file.first == nullptr) file.needs_update = true;
  (file.first == nullptr ? file.first : file.last->next) = waiting;
  file.last = waiting;
  note_change(request.fd);
}

void EpollRing::stop_waiting(Waiting& waiting) {
  const int fd = waiting.request.fd;
  Watched& file = watched(fd);
  Waiting* before = nullptr;
  for (Waiting* other = file.first; other != &waiting; other = other->next) before = other;
  (before == nullptr ? file.first : before->next) = waiting.next;
  if (file.last == &waiting) file.last = before;
  by_tag_.erase(waiting.by_tag);
  waiting_.destroy(waiting, waiting.handle);
  note_change(fd);
}

void EpollRing::note_change(int fd) {
  if (!std::exchange(watched(fd).is_changed, true)) changed_.push_back(fd);
}

void EpollRing::update_registrations() {
  for (const int fd : changed_) update_registration(fd);
  changed_.clear();
}

// The owner of a descriptor may have closed it when nothing waited for it any more, and with it its registration ends.
// So the kernel is asked again if nothing has waited, also if the same events seem to be registered. A child that has not
// executed its program yet keeps a closed file open, and its registration with it, which nothing can remove then. Its
// events carry the number of an earlier registration.
void EpollRing::update_registration(int fd) {
  Watched& file = watched(fd);
  file.is_changed = false;
  std::uint32_t events = 0;
  for (const Waiting* waiting = file.first; waiting != nullptr; waiting = waiting->next) {
    events |= events_of(waiting->request) | EPOLLERR;
  }
  if (events == file.events && !file.needs_update) return;
  file.needs_update = false;
  epoll_event event{.events = events, .data = {.u64 = mark(fd, ++file.registration)}};
  // Other rings accept there too, and one of them is enough. The kernel does not change such a registration.
  const bool is_listener = events != 0 && file.first->request.kind == Kind::kAccept;
  if (is_listener) event.events |= EPOLLEXCLUSIVE;
  if (events == 0 || is_listener) epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  const bool is_known = file.events != 0 && !is_listener;
  if (events != 0 && epoll_ctl(epoll_.get(), is_known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) != 0) {
    const bool is_wrong = errno == (is_known ? ENOENT : EEXIST);
    const int other = is_known ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    if (!is_wrong || epoll_ctl(epoll_.get(), other, fd, &event) != 0) return give_up_waiting(fd, -errno);
  }
  file.events = static_cast<std::uint16_t>(events);
}

// The kernel does not watch the file: there is no memory, or the descriptor was closed.
void EpollRing::give_up_waiting(int fd, std::int32_t result) {
  watched(fd).events = 0;
  while (Waiting* waiting = watched(fd).first) {
    complete(waiting->request.tag, result);
    stop_waiting(*waiting);
  }
}

void EpollRing::take_event(const epoll_event& event, CompletionHandler& handler) {
  const auto fd = static_cast<int>(event.data.u64 & ~std::uint32_t{0});
  if (event.data.u64 != mark(fd, watched(fd).registration)) return;  // of a file that had this number before
  for (Waiting* waiting = watched(fd).first; waiting != nullptr;) {
    Waiting* next = waiting->next;
    const std::uint32_t wanted = events_of(waiting->request) | EPOLLERR | EPOLLHUP;
    if ((event.events & wanted) != 0) {
      const bool waits_on = try_again(waiting->request, event.events & wanted, handler);
      const bool is_accept = waiting->request.kind == Kind::kAccept;
      if (waits_on && is_accept) break;  // the others would find no connection either
      // A ring that has accepted goes behind the others that wait there: the kernel wakes the first one.
      if (is_accept) watched(fd).needs_update = true;
      if (!waits_on) stop_waiting(*waiting);
    }
    waiting = next;
  }
  note_change(fd);
}

bool EpollRing::try_again(const Request& request, std::uint32_t events, CompletionHandler& handler) {
  std::int32_t result = 0;
  switch (request.kind) {
    case Kind::kPoll:
      result = static_cast<std::int32_t>(events);
      break;
    case Kind::kAccept:
      result = result_of(accept4(request.fd, nullptr, nullptr, SOCK_CLOEXEC));
      break;
    case Kind::kConnect:
      result = socket_error(request.fd);
      break;
    case Kind::kRead:
      result = result_of(read(request.fd, request.memory, request.number));
      break;
    default:
      return receive(request, handler);
  }
  if (result == -EAGAIN) return true;
  hand_out({.tag = request.tag, .result = result, .more = false, .buffer = {}}, handler);
  return false;
}

bool EpollRing::receive(const Request& request, CompletionHandler& handler) {
  if (request.kind == Kind::kReceiveMessage || request.kind == Kind::kReceiveMessageNow) {
    return receive_message(request, handler);
  }
  const bool is_stream = request.kind == Kind::kReceiveStream;
  const std::int32_t result = result_of(recv(request.fd, buffer_.data(), options_.stream_bytes, MSG_DONTWAIT));
  if (is_stream && result == -EAGAIN) return true;
  const bool more = is_stream && result > 0;
  hand_out({.tag = request.tag,
            .result = result,
            .more = more,
            .buffer = {buffer_.data(), static_cast<std::size_t>(std::max(result, 0))}},
           handler);
  return more;
}

bool EpollRing::receive_message(const Request& request, CompletionHandler& handler) {
  auto& message = *static_cast<msghdr*>(request.memory);
  CHECK(message.msg_iovlen == 1 && message.msg_iov->iov_len <= options_.receive_bytes);
  iovec buffer{buffer_.data(), message.msg_iov->iov_len};
  msghdr received = message;
  received.msg_iov = &buffer;
  const std::int32_t result = result_of(recvmsg(request.fd, &received, MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
  if (result == -EAGAIN && request.kind == Kind::kReceiveMessage) return true;
  if (result >= 0) {
    message.msg_controllen = received.msg_controllen;
    message.msg_flags = received.msg_flags;
  }
  hand_out({.tag = request.tag,
            .result = result,
            .more = false,
            .buffer = {buffer_.data(), static_cast<std::size_t>(std::max(result, 0))}},
           handler);
  return false;
}

void EpollRing::take_arrivals(CompletionHandler& handler) {
  eventfd_t ignored = 0;
  eventfd_read(wakeup_.get(), &ignored);
  std::vector<Completion> arrivals;
  {
    const std::lock_guard lock(arrivals_mutex_);
    arrivals.swap(arrivals_);
  }
  for (const Completion& arrival : arrivals) hand_out(arrival, handler);
  for (const Completion& completed : blocking_calls_->take_completed()) hand_out(completed, handler);
}

}  // namespace streaming
