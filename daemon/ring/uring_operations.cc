// SPDX-License-Identifier: Apache-2.0
// The operations of UringRing. Each must stand in kRingOperations.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "ring/ring_restrictions.h"
#include "ring/socket_calls.h"
#include "ring/uring_ring.h"

namespace streaming {
namespace {

// Descriptors of the moment at one time: when many streams end at once, they must not fill the process's table.
constexpr std::size_t kMostCalls = 32;

// IORING_ACCEPT_POLL_FIRST, which is not in liburing 2.3.
constexpr std::uint16_t kAcceptPollFirst = 1u << 2;

constexpr int kSendFlags = MSG_DONTWAIT | MSG_NOSIGNAL;

}  // namespace

void UringRing::finish_entry(io_uring_sqe* entry, RingFile file, Tag tag) {
  entry->user_data = tag.encode();
  if (file.is_direct()) entry->flags |= IOSQE_FIXED_FILE;
}

void UringRing::submit_accept(RingFile listener, Tag tag) {
  io_uring_sqe* entry = next_entry();
  if (options_.direct_files) {
    // liburing takes the slot's number, of which the kernel wants the successor, and 2.3 has no word for "any".
    io_uring_prep_accept_direct(entry, listener.number(), nullptr, nullptr, 0, IORING_FILE_INDEX_ALLOC - 1);
  } else {
    io_uring_prep_accept(entry, listener.number(), nullptr, nullptr, SOCK_CLOEXEC);
  }
  // There is mostly no connection yet, and each try makes a file for one first.
  if (can_poll_before_accept_) entry->ioprio |= kAcceptPollFirst;
  finish_entry(entry, listener, tag);
}

void UringRing::submit_pass_file(RingFile file, int target, Tag arrival, Tag tag) {
  io_uring_sqe* entry = next_entry();
  // All rings share the process's descriptors: there the number is enough.
  const auto number = static_cast<unsigned>(file.number());
  io_uring_prep_msg_ring(entry, target, file.is_direct() ? 0 : number, arrival.encode(), 0);
  if (file.is_direct()) {
    entry->addr = IORING_MSG_SEND_FD;
    entry->addr3 = number;
    entry->file_index = IORING_FILE_INDEX_ALLOC;
  }
  entry->user_data = tag.encode();
}

void UringRing::submit_receive_message(RingFile file, msghdr& message, bool wait, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_recvmsg(entry, file.number(), &message, wait ? MSG_CMSG_CLOEXEC : MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  message_buffers_.use_for(*entry);
  finish_entry(entry, file, tag);
}

void UringRing::submit_connect(RingFile file, const sockaddr& address, socklen_t length, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_connect(entry, file.number(), &address, length);
  finish_entry(entry, file, tag);
}

void UringRing::submit_receive_stream(RingFile file, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_recv_multishot(entry, file.number(), nullptr, 0, 0);
  stream_buffers_.use_for(*entry);
  finish_entry(entry, file, tag);
}

void UringRing::submit_receive_available(RingFile file, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_recv(entry, file.number(), nullptr, 0, MSG_DONTWAIT);
  stream_buffers_.use_for(*entry);
  finish_entry(entry, file, tag);
}

void UringRing::submit_send(RingFile file, std::span<const char> bytes, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_send(entry, file.number(), bytes.data(), bytes.size(), kSendFlags);
  finish_entry(entry, file, tag);
}

void UringRing::submit_quiet_send(RingFile file, std::span<const char> bytes, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_send(entry, file.number(), bytes.data(), bytes.size(), kSendFlags);
  finish_entry(entry, file, tag);
  if (!waiting_.empty()) return;  // its place in the queue is not known
  // MSG_WAITALL: a send of a part is a failure too, whose result is the part's size.
  entry->msg_flags |= MSG_WAITALL;
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry->user_data |= kQuietBit;
  quiet_sends_.push_back({tag, static_cast<std::uint32_t>(bytes.size()), ring_.sq.sqe_tail});
}

void UringRing::submit_receive(RingFile file, std::span<char> bytes, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_recv(entry, file.number(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  finish_entry(entry, file, tag);
}

void UringRing::submit_read(RingFile file, std::span<char> bytes, std::uint64_t offset, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_read(entry, file.number(), bytes.data(), static_cast<unsigned>(bytes.size()), offset);
  finish_entry(entry, file, tag);
}

void UringRing::submit_write(RingFile file, std::span<const char> bytes, std::uint64_t offset, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_write(entry, file.number(), bytes.data(), static_cast<unsigned>(bytes.size()), offset);
  finish_entry(entry, file, tag);
}

void UringRing::submit_sync(RingFile file, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_fsync(entry, file.number(), IORING_FSYNC_DATASYNC);
  finish_entry(entry, file, tag);
}

void UringRing::submit_open(int directory, const char* path, const open_how& how, Tag tag) {
  io_uring_sqe* entry = next_entry();
  // Only read, but liburing's parameter is not const.
  io_uring_prep_openat2(entry, directory, path, const_cast<open_how*>(&how));
  entry->user_data = tag.encode();
}

void UringRing::submit_file_status(RingFile file, struct statx& status, Tag tag) {
  CHECK(!file.is_direct());
  io_uring_sqe* entry = next_entry();
  io_uring_prep_statx(entry, file.number(), "", AT_EMPTY_PATH, STATX_TYPE | STATX_SIZE, &status);
  entry->user_data = tag.encode();
}

void UringRing::submit_remove(int directory, const char* path, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_unlinkat(entry, directory, path, 0);
  entry->user_data = tag.encode();
}

void UringRing::submit_poll(RingFile file, short events, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_poll_add(entry, file.number(), static_cast<unsigned>(events));
  finish_entry(entry, file, tag);
}

// The kernel runs IORING_OP_SHUTDOWN in a thread of its own, which costs several times what a descriptor for a moment
// does.
void UringRing::submit_shutdown_write(RingFile file, Tag tag) {
  if (file.is_direct() && can_install_descriptors_ && calls_.size() < kMostCalls) {
    submit_call({tag, file, SystemCall::kShutdownWrite});
  } else {
    submit_kernel_shutdown(file, tag);
  }
}

void UringRing::submit_kernel_shutdown(RingFile file, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_shutdown(entry, file.number(), SHUT_WR);
  finish_entry(entry, file, tag);
}

void UringRing::submit_count_unacknowledged(RingFile file, Tag tag) {
  const Call call{tag, file, SystemCall::kCountUnacknowledged};
  if (calls_.size() < kMostCalls) {
    submit_call(call);
  } else {
    waiting_calls_.push_back(call);
  }
}

// Of a file in the ring's table the kernel makes a descriptor; one of the process is there already.
void UringRing::submit_call(const Call& call) {
  CHECK(calls_.size() < kMostCalls);
  calls_.push_back(call);
  io_uring_sqe* entry = next_entry();
  if (call.file.is_direct()) {
    io_uring_prep_rw(kOpFixedFdInstall, entry, call.file.number(), nullptr, 0, 0);
    finish_entry(entry, call.file, call.tag);
  } else {
    io_uring_prep_nop(entry);
    entry->user_data = call.tag.encode();
  }
  entry->user_data |= kCallBit;
}

void UringRing::make_call(const io_uring_cqe& entry, CompletionHandler& handler) {
  const Tag tag = Tag::decode(entry.user_data & ~kCallBit);
  const auto found =
      std::find_if(calls_.begin(), calls_.end(), [&](const Call& candidate) { return candidate.tag == tag; });
  CHECK(found != calls_.end());
  const Call call = *found;
  calls_.erase(found);
  if (!waiting_calls_.empty()) {
    submit_call(waiting_calls_.front());
    waiting_calls_.pop_front();
  }
  // No room in the process's table.
  if (entry.res < 0 && call.call == SystemCall::kShutdownWrite) return submit_kernel_shutdown(call.file, tag);
  std::int32_t result = entry.res;
  if (result >= 0) {
    const UniqueFd installed(call.file.is_direct() ? entry.res : -1);
    const int fd = call.file.is_direct() ? installed.get() : call.file.number();
    result = call.call == SystemCall::kShutdownWrite ? shut_down_write(fd) : count_unacknowledged(fd);
  }
  handler.on_completion(Completion{.tag = tag, .result = result, .more = false, .buffer = {}});
}

void UringRing::submit_close(RingFile file, Tag tag) {
  io_uring_sqe* entry = next_entry();
  if (file.is_direct()) {
    io_uring_prep_close_direct(entry, static_cast<unsigned>(file.number()));
  } else {
    io_uring_prep_close(entry, file.number());
  }
  entry->user_data = tag.encode();
}

void UringRing::submit_cancel(Tag target) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_cancel64(entry, target.encode(), 0);
  entry->user_data = Tag{}.encode();
}

}  // namespace streaming
