// SPDX-License-Identifier: Apache-2.0
// What each operation of the ring does, and how it can fail.

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/json_input.h"
#include "simulation/world/reachable.h"
#include "simulation/world/request.h"
#include "simulation/world/simulated_ring.h"

namespace streaming::simulation {

// --- Submitting -----------------------------------------------------------------------------------------------------

void SimulatedRing::submit_accept(RingFile listener, Tag tag) {
  add(Kind::kAccept, listener, tag);
}

void SimulatedRing::submit_pass_file(RingFile file, int target, Tag arrival, Tag tag) {
  Request& request = add(Kind::kPassFile, file, tag);
  request.target = target;
  request.arrival = arrival;
}

void SimulatedRing::submit_receive_message(RingFile file, msghdr& message, bool wait, Tag tag) {
  Request& request = add(Kind::kReceiveMessage, file, tag);
  request.message = &message;
  request.may_wait = wait;
}

void SimulatedRing::submit_connect(RingFile file, const sockaddr& address, socklen_t length, Tag tag) {
  Request& request = add(Kind::kConnect, file, tag);
  request.address = &address;
  request.address_length = length;
}

void SimulatedRing::submit_receive_stream(RingFile file, Tag tag) {
  add(Kind::kReceiveStream, file, tag);
}

void SimulatedRing::submit_receive_available(RingFile file, Tag tag) {
  add(Kind::kReceiveAvailable, file, tag);
}

void SimulatedRing::submit_send(RingFile file, std::span<const char> bytes, Tag tag) {
  add(Kind::kSend, file, tag).bytes = bytes;
}

void SimulatedRing::submit_receive(RingFile file, std::span<char> bytes, Tag tag) {
  add(Kind::kReceive, file, tag).room = bytes;
}

void SimulatedRing::submit_read(RingFile file, std::span<char> bytes, std::uint64_t offset, Tag tag) {
  Request& request = add(Kind::kRead, file, tag);
  request.room = bytes;
  request.offset = offset;
}

void SimulatedRing::submit_write(RingFile file, std::span<const char> bytes, std::uint64_t offset, Tag tag) {
  Request& request = add(Kind::kWrite, file, tag);
  request.bytes = bytes;
  request.offset = offset;
}

void SimulatedRing::submit_sync(RingFile file, Tag tag) {
  add(Kind::kSync, file, tag);
}

void SimulatedRing::submit_open(int directory, const char* path, const open_how& how, Tag tag) {
  Request& request = add(Kind::kOpen, RingFile::regular(-1), tag);
  request.target = directory;
  request.path = path;
  request.how = &how;
}

void SimulatedRing::submit_file_status(RingFile file, struct statx& status, Tag tag) {
  add(Kind::kFileStatus, file, tag).status = &status;
}

void SimulatedRing::submit_remove(int directory, const char* path, Tag tag) {
  Request& request = add(Kind::kRemove, RingFile::regular(-1), tag);
  request.target = directory;
  request.path = path;
}

void SimulatedRing::submit_poll(RingFile file, short events, Tag tag) {
  add(Kind::kPoll, file, tag).events = events;
}

void SimulatedRing::submit_shutdown_write(RingFile file, Tag tag) {
  add(Kind::kShutdownWrite, file, tag);
}

void SimulatedRing::submit_count_unacknowledged(RingFile file, Tag tag) {
  add(Kind::kCountUnacknowledged, file, tag);
}

void SimulatedRing::submit_close(RingFile file, Tag tag) {
  add(Kind::kClose, file, tag);
}

void SimulatedRing::submit_cancel(Tag target) {
  add(Kind::kCancel, RingFile::regular(-1), target);
}

// --- Carrying out ---------------------------------------------------------------------------------------------------

// What the kernel runs short of for a moment. Only of operations whose owners have a policy for it.
std::optional<int> SimulatedRing::shortage(const Request& request) {
  const Faults& faults = kernel_.faults;
  Random& random = kernel_.random;
  switch (request.kind) {
    case Kind::kAccept:
      if (faults.failed_accept.strikes(random)) return random.pick({EMFILE, ENFILE, ENOMEM, ENOBUFS, EINTR, ECONNABORTED});
      break;
    case Kind::kReceiveMessage:
      if (faults.interrupted.strikes(random)) return EINTR;
      [[fallthrough]];
    case Kind::kPoll:
      if (faults.no_memory.strikes(random)) return ENOMEM;
      break;
    case Kind::kSend:
      if (faults.no_memory.strikes(random)) return random.pick({ENOMEM, ENOBUFS});
      break;
    case Kind::kClose:
      // Kernels that release direct files at once, the only ones with which there are some, need no memory for it; but
      // streams are prepared.
      if (request.file.is_direct() && request.tag.operation == Operation::kClientClose && faults.no_memory.strikes(random)) return ENOMEM;
      break;
    case Kind::kCountUnacknowledged:
      if (faults.unknown_count.strikes(random)) return random.pick({EMFILE, ENFILE, ENOMEM});
      break;
    default:
      break;
  }
  return std::nullopt;
}

// Nothing if it has to wait for its file.
std::optional<std::int64_t> SimulatedRing::try_now(Request& request) {
  const AsProcess as_process(kernel_, files_);
  if (!request.waits) {
    if (const std::optional<int> error = shortage(request)) return -*error;
  }
  const auto unless_again = [&](std::int64_t result) { return result == -EAGAIN ? std::nullopt : std::optional(result); };
  switch (request.kind) {
    case Kind::kAccept:
      return unless_again(accept(request));
    case Kind::kPassFile:
      return pass_file(request);
    case Kind::kReceiveMessage:
      return receive_message(request);
    case Kind::kConnect: {
      const std::int64_t result =
          request.waits ? request.held->connected() : request.held->connect(*request.address, request.address_length);
      return result == -EINPROGRESS ? std::nullopt : std::optional(result);
    }
    case Kind::kReceiveStream:
      return receive_stream(request);
    case Kind::kReceiveAvailable:
      return receive_available(request);
    case Kind::kSend:
      return request.held->send(request.bytes);
    case Kind::kReceive:
      return request.held->receive(request.room);
    case Kind::kPoll: {
      const int events = request.held->events() & (request.events | POLLERR | POLLHUP);
      return events == 0 ? std::nullopt : std::optional<std::int64_t>(events);
    }
    case Kind::kShutdownWrite:
      return request.held->shutdown(SHUT_WR);
    case Kind::kCountUnacknowledged:
      return request.held->unacknowledged();
    case Kind::kClose:
      return close(request);
    default:
      CHECK(!"an operation of files other than the disk's");
  }
  return std::nullopt;
}

// The kernel takes a descriptor first, so a connection that finds none stays in the backlog. A slot of the table it takes last.
std::int64_t SimulatedRing::accept(Request& request) {
  if (!options_.direct_files && files_.is_full()) return -EMFILE;
  int error = 0;
  std::shared_ptr<File> accepted = request.held->accept(error);
  return accepted == nullptr ? -error : install(std::move(accepted));
}

std::int64_t SimulatedRing::close(Request& request) {
  request.held.reset();
  if (!request.file.is_direct()) return files_.close(request.file.number()) ? 0 : -EBADF;
  std::exchange(table_[static_cast<std::size_t>(request.file.number())], nullptr).reset();
  return 0;
}

std::int64_t SimulatedRing::pass_file(Request& request) {
  const auto target = kernel_.rings.find(request.target);
  if (target == kernel_.rings.end()) return -EBADF;
  if (kernel_.faults.failed_pass.strikes(kernel_.random)) return -kernel_.random.pick({ENOMEM, EOVERFLOW, ENFILE});
  std::int32_t result = request.file.number();
  if (request.file.is_direct()) {
    const std::shared_ptr<File> file = find(request.file);
    if (file == nullptr) return -EBADF;
    result = target->second->install(file);
    if (result < 0) return result;
  }
  target->second->arrive(request.arrival, result);
  return 0;
}

void SimulatedRing::arrive(Tag arrival, std::int32_t result) {
  push({nullptr, {.tag = arrival, .result = result, .more = false, .buffer = {}}, {}, nullptr});
}

// --- Receiving into the ring's buffers ------------------------------------------------------------------------------

std::optional<std::int64_t> SimulatedRing::receive_message(Request& request) {
  const bool has_some = (request.held->events() & (POLLIN | POLLHUP | POLLERR)) != 0;
  if (!has_some) return request.may_wait ? std::nullopt : std::optional<std::int64_t>(-EAGAIN);
  const bool none_free = messages_in_use_ == options_.receive_buffers;
  if (none_free || kernel_.faults.no_buffers.strikes(kernel_.random)) return -ENOBUFS;
  std::vector<char> buffer(options_.receive_bytes + kJsonPadding);
  const std::int64_t result =
      request.held->receive_message(std::span(buffer).first(options_.receive_bytes), *request.message);
  if (result == -EAGAIN) return request.may_wait ? std::nullopt : std::optional(result);
  if (result < 0) return result;
  buffer.resize(static_cast<std::size_t>(result) + kJsonPadding);
  request.buffer = std::move(buffer);
  request.buffer_in_use = &messages_in_use_;
  ++messages_in_use_;
  return result;
}

std::int64_t SimulatedRing::receive_available(Request& request) {
  const bool none_free = streams_in_use_ == options_.stream_buffers;
  if (none_free || kernel_.faults.no_buffers.strikes(kernel_.random)) return -ENOBUFS;
  request.buffer.resize(std::min(options_.stream_bytes, std::max<std::size_t>(request.held->receivable(), 1)));
  const std::int64_t result = request.held->receive(request.buffer);
  if (result > 0) {
    request.buffer_in_use = &streams_in_use_;
    ++streams_in_use_;
  }
  return result;
}

// Completes with `more` for each part, in their order. The kernel may end it after any of them, and has no buffer at times.
std::optional<std::int64_t> SimulatedRing::receive_stream(Request& request) {
  while (true) {
    const bool none_free = streams_in_use_ == options_.stream_buffers;
    if (request.held->receivable() > 0 && (none_free || kernel_.faults.no_buffers.strikes(kernel_.random))) return -ENOBUFS;
    std::vector<char> buffer(std::min(options_.stream_bytes, std::max<std::size_t>(request.held->receivable(), 1)));
    const std::int64_t result = request.held->receive(buffer);
    if (result == -EAGAIN) return std::nullopt;
    if (result <= 0) return result;
    buffer.resize(static_cast<std::size_t>(result));
    ++streams_in_use_;
    if (kernel_.faults.no_buffers.strikes(kernel_.random)) {
      request.buffer = std::move(buffer);
      request.buffer_in_use = &streams_in_use_;
      return result;
    }
    push({nullptr,
          {.tag = request.tag, .result = static_cast<std::int32_t>(result), .more = true, .buffer = {}},
          std::move(buffer),
          &streams_in_use_});
  }
}

// --- The disk -------------------------------------------------------------------------------------------------------

void SimulatedRing::start_disk_operation(Request& request) {
  const std::int64_t delay = disk_.draw_delay_ns();
  kernel_.scheduler.after_ns(delay, [this, number = request.number, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired()) return;
    const auto found = requests_.find(number);
    if (found == requests_.end()) return;
    Request& due = *found->second;
    const auto fd = due.file.number();
    std::int64_t result = 0;
    switch (due.kind) {
      case Kind::kRead:
        result = disk_.read(fd, due.room, due.offset);
        break;
      case Kind::kWrite:
        count_frames({due.bytes.data(), due.bytes.size()}, kernel_.coverage);
        result = disk_.write(fd, due.bytes, due.offset);
        break;
      case Kind::kSync:
        result = disk_.sync(fd);
        break;
      case Kind::kOpen:
        result = disk_.open(due.target, due.path, *due.how);
        break;
      case Kind::kFileStatus:
        result = disk_.status(fd, *due.status);
        break;
      case Kind::kRemove:
        result = disk_.remove(due.target, due.path);
        break;
      default:
        CHECK(!"an operation of the disk");
    }
    complete(due, result);
  });
}

}  // namespace streaming::simulation
