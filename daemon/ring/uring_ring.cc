// SPDX-License-Identifier: Apache-2.0
#include "ring/uring_ring.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>

#include "ring/limits.h"
#include "ring/ring_restrictions.h"
#include "ring/uring_unavailable.h"

namespace streaming {

Result<std::unique_ptr<Ring>> UringRing::create(const RingOptions& options) {
  std::unique_ptr<UringRing> ring(new UringRing(options));
  if (Status opened = ring->open(); !opened) return opened.error();
  return std::unique_ptr<Ring>(std::move(ring));
}

std::uint64_t UringRing::lost_completions() const {
  return IO_URING_READ_ONCE(*ring_.cq.koverflow);
}

Status UringRing::open() {
  io_uring_params params{};
  // CQSIZE: a burst of timers completes more sends than one submission holds.
  // SINGLE_ISSUER, DEFER_TASKRUN (6.1): completions run in wait() instead of interrupting the worker anywhere.
  // R_DISABLED: the issuer is the thread that enables the ring, not the one that makes it.
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                 IORING_SETUP_R_DISABLED | IORING_SETUP_CLAMP;
  params.cq_entries = kCompletionEntries;
  const int result = io_uring_queue_init_params(kSubmissionEntries, &ring_, &params);
  if (result < 0) return uring_unavailable(-result);
  open_ = true;
  find_out_what_the_kernel_can();
  if (Status registered = register_files(); !registered) return registered;
  if (Status made = message_buffers_.open(options_.receive_buffers, options_.receive_bytes); !made) return made;
  if (options_.stream_buffers > 0) {
    if (Status made = stream_buffers_.open(options_.stream_buffers, options_.stream_bytes); !made) return made;
  }
  return restrict_ring(ring_);
}

void UringRing::find_out_what_the_kernel_can() {
  // The kernel has it since the same version as IORING_ACCEPT_POLL_FIRST, 6.10. It is not in liburing 2.3.
  constexpr unsigned kFeatureRecvSendBundle = 1u << 14;
  can_poll_before_accept_ = (ring_.features & kFeatureRecvSendBundle) != 0;
  io_uring_probe* probe = io_uring_get_probe_ring(&ring_);
  if (probe == nullptr) return;
  can_install_descriptors_ =
      probe->ops_len > kOpFixedFdInstall && (probe->ops[kOpFixedFdInstall].flags & IO_URING_OP_SUPPORTED) != 0;
  io_uring_free_probe(probe);
}

Status UringRing::register_files() {
  if (!options_.direct_files) return success();
  const std::uint32_t files = options_.client_files + options_.connection_files;
  if (const int result = io_uring_register_files_sparse(&ring_, files); result < 0) {
    return Error::from_errno("cannot give the ring a table of " + std::to_string(files) +
                                 " files; raise the limit of open files (ulimit -Hn, LimitNOFILE=) or lower "
                                 "max_connections",
                             -result);
  }
  if (const int result = io_uring_register_file_alloc_range(&ring_, options_.client_files, options_.connection_files);
      result < 0) {
    return Error::from_errno("cannot divide the ring's file table", -result);
  }
  return success();
}

UringRing::~UringRing() {
  // Before the buffers, which operations may still use.
  if (open_) io_uring_queue_exit(&ring_);
}

Status UringRing::enable() {
  // liburing 2.3 declares io_uring_enable_rings() and does not export it.
  if (syscall(SYS_io_uring_register, ring_.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0) < 0) {
    return Error::from_errno("cannot enable the ring", errno);
  }
  return success();
}

Result<RingFile> UringRing::adopt(std::uint32_t slot, UniqueFd& fd) {
  if (!options_.direct_files || slot >= options_.client_files) return RingFile::regular(fd.release());
  const int number = fd.get();
  const int result = io_uring_register_files_update(&ring_, slot, &number, 1);
  if (result < 0) return Error::from_errno("cannot install a file in the ring", -result);
  fd.reset();
  return RingFile::direct(slot);
}

RingFile UringRing::file_of(std::int32_t result) const {
  CHECK(result >= 0);
  return options_.direct_files ? RingFile::direct(static_cast<std::uint32_t>(result)) : RingFile::regular(result);
}

io_uring_sqe* UringRing::next_entry() {
  queue_waiting();
  if (waiting_.empty()) {
    if (io_uring_sqe* entry = io_uring_get_sqe(&ring_)) return entry;
    io_uring_submit_and_get_events(&ring_);
    if (io_uring_sqe* entry = io_uring_get_sqe(&ring_)) return entry;
  }
  return &waiting_.emplace_back();
}

void UringRing::queue_waiting() {
  while (!waiting_.empty()) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring_);
    if (entry == nullptr) return;
    *entry = waiting_.front();
    waiting_.pop_front();
  }
}

Status UringRing::wait(std::optional<std::int64_t> timeout_ns) {
  queue_waiting();
  constexpr std::int64_t kQuietSendDelayNs = std::chrono::nanoseconds(kQuietSendDelay).count();
  const bool is_short = timeout_ns && *timeout_ns <= kQuietSendDelayNs;
  // Does not block while operations wait for an entry of the queue, nor long before quiet sends are reported.
  const bool blocks = waiting_.empty() && (is_short || quiet_sends_.empty());
  const int result = enter(blocks ? timeout_ns : 0);
  // A transient kernel shortage of memory, or of room for completions: read those that are there, or pause.
  if ((result == -EAGAIN || result == -EBUSY) && io_uring_cq_ready(&ring_) == 0) {
    __kernel_timespec pause{0, std::chrono::nanoseconds(kNoMemoryPause).count()};
    io_uring_cqe* first = nullptr;
    io_uring_wait_cqe_timeout(&ring_, &first, &pause);
  }
  const std::uint64_t lost = lost_completions();
  if (result == -EBADR || lost != lost_) {
    lost_ = lost;
    return Error{"the kernel had no memory for completions and has lost some", EBADR};
  }
  if (result < 0 && result != -ETIME && result != -EINTR && result != -EAGAIN && result != -EBUSY) {
    return Error::from_errno("io_uring_enter", -result);
  }
  return success();
}

int UringRing::enter(std::optional<std::int64_t> timeout_ns) {
  if (!timeout_ns) return io_uring_submit_and_wait(&ring_, 1);
  if (*timeout_ns <= 0) return io_uring_submit_and_get_events(&ring_);
  __kernel_timespec timeout{*timeout_ns / 1'000'000'000, *timeout_ns % 1'000'000'000};
  io_uring_cqe* first = nullptr;
  return io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
}

// Only what is there now, so that timers are not kept waiting; in batches that are copied, so that the kernel has room
// for the completions of what the handler queues meanwhile.
bool UringRing::dispatch(CompletionHandler& handler) {
  std::array<io_uring_cqe, 64> batch;
  const unsigned ready = io_uring_cq_ready(&ring_);
  const bool reported = report_quiet_sends(handler);
  for (unsigned left = ready; left > 0;) {
    std::array<io_uring_cqe*, batch.size()> entries;
    const unsigned count =
        io_uring_peek_batch_cqe(&ring_, entries.data(), std::min<unsigned>(left, static_cast<unsigned>(batch.size())));
    for (unsigned i = 0; i < count; ++i) batch[i] = *entries[i];
    io_uring_cq_advance(&ring_, count);
    for (unsigned i = 0; i < count; ++i) dispatch_one(batch[i], handler);
    left -= count;
  }
  return ready > 0 || reported;
}

// An entry that the kernel has taken is done, because no send waits. If it failed, that is among the completions, unless
// these had no room.
std::size_t UringRing::quiet_sends_done() const {
  if ((IO_URING_READ_ONCE(*ring_.sq.kflags) & IORING_SQ_CQ_OVERFLOW) != 0) return 0;
  const unsigned taken = IO_URING_READ_ONCE(*ring_.sq.khead);
  const auto first_not_taken = std::partition_point(quiet_sends_.begin(), quiet_sends_.end(), [&](const QuietSend& send) {
    return static_cast<int>(taken - send.queue_tail) >= 0;
  });
  return static_cast<std::size_t>(first_not_taken - quiet_sends_.begin());
}

// Before the completions, because what the client does when it has all of the answer comes after its last send.
bool UringRing::report_quiet_sends(CompletionHandler& handler) {
  if (quiet_sends_.empty()) return false;
  unsigned head = 0;
  io_uring_cqe* entry = nullptr;
  io_uring_for_each_cqe(&ring_, head, entry) {
    if ((entry->user_data & kQuietBit) != 0) failed_sends_[entry->user_data & ~kQuietBit] = entry->res;
  }
  const std::size_t done = quiet_sends_done();
  for (std::size_t left = done; left > 0; --left) {
    const QuietSend send = quiet_sends_.front();
    quiet_sends_.pop_front();
    Completion completion{
        .tag = send.tag, .result = static_cast<std::int32_t>(send.bytes), .more = false, .buffer = {}};
    if (!failed_sends_.empty()) {
      if (const auto failed = failed_sends_.extract(send.tag.encode())) completion.result = failed.mapped();
    }
    handler.on_completion(completion);
  }
  return done > 0;
}

void UringRing::dispatch_one(const io_uring_cqe& entry, CompletionHandler& handler) {
  if ((entry.user_data & kCallBit) != 0) return make_call(entry, handler);
  if ((entry.user_data & kQuietBit) != 0) return;  // was reported
  Completion completion{.tag = Tag::decode(entry.user_data),
                        .result = entry.res,
                        .more = (entry.flags & IORING_CQE_F_MORE) != 0,
                        .buffer = {}};
  if (completion.tag.operation == Operation::kNone) return;
  if ((entry.flags & IORING_CQE_F_BUFFER) == 0) return handler.on_completion(completion);
  ReceiveBuffers& buffers =
      completion.tag.operation == Operation::kHandoffReceive ? message_buffers_ : stream_buffers_;
  completion.buffer = buffers.filled(entry);
  handler.on_completion(completion);
  buffers.give_back(entry);
}

}  // namespace streaming
