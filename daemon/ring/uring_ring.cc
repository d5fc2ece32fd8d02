#include "ring/uring_ring.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <string>

#include "base/limits.h"
#include "ring/uring_unavailable.h"

namespace streaming {
namespace {

// Linux 6.8; not in liburing 2.3.
constexpr unsigned kOpFixedFdInstall = 54;

// In user_data, where no operation reaches: the completion brings a descriptor on which shutdown() is to be called.
constexpr std::uint64_t kShutdownBit = std::uint64_t{1} << 63;
static_assert(static_cast<std::uint64_t>(kLastOperation) << Tag::kOperationShift < kShutdownBit);

// Descriptors of the moment at one time: when many streams end at once, they must not fill the process's table.
constexpr std::size_t kMostShuttingDown = 32;

}  // namespace

Result<std::unique_ptr<Ring>> UringRing::create(const Options& options) {
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
  return options_.stream_buffers == 0 ? success()
                                      : stream_buffers_.open(options_.stream_buffers, options_.stream_bytes);
}

void UringRing::find_out_what_the_kernel_can() {
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
  if (!options_.direct_files) return RingFile::regular(fd.release());
  CHECK(slot < options_.client_files);
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

void UringRing::finish_entry(io_uring_sqe* entry, RingFile file, Tag tag) {
  entry->user_data = tag.encode();
  if (file.is_direct()) entry->flags |= IOSQE_FIXED_FILE;
}

void UringRing::submit_accept(RingFile listener, Tag tag) {
  io_uring_sqe* entry = next_entry();
  if (options_.direct_files) {
    io_uring_prep_multishot_accept_direct(entry, listener.number(), nullptr, nullptr, 0);
  } else {
    io_uring_prep_multishot_accept(entry, listener.number(), nullptr, nullptr, SOCK_CLOEXEC);
  }
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

void UringRing::submit_receive_message(RingFile file, msghdr& message, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_recvmsg(entry, file.number(), &message, MSG_CMSG_CLOEXEC);
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

void UringRing::submit_send(RingFile file, std::span<const char> bytes, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_send(entry, file.number(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  finish_entry(entry, file, tag);
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
  if (!file.is_direct() || !can_install_descriptors_ || shutting_down_.size() == kMostShuttingDown) {
    return submit_kernel_shutdown(file, tag);
  }
  io_uring_sqe* entry = next_entry();
  io_uring_prep_rw(static_cast<int>(kOpFixedFdInstall), entry, file.number(), nullptr, 0, 0);
  finish_entry(entry, file, tag);
  entry->user_data |= kShutdownBit;
  shutting_down_.push_back({tag, file});
}

void UringRing::submit_kernel_shutdown(RingFile file, Tag tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_shutdown(entry, file.number(), SHUT_WR);
  finish_entry(entry, file, tag);
}

void UringRing::shut_down_installed(const io_uring_cqe& entry, CompletionHandler& handler) {
  const Tag tag = Tag::decode(entry.user_data & ~kShutdownBit);
  const auto found = std::find_if(shutting_down_.begin(), shutting_down_.end(),
                                  [&](const ShuttingDown& candidate) { return candidate.tag == tag; });
  CHECK(found != shutting_down_.end());
  const RingFile file = found->file;
  shutting_down_.erase(found);
  // No room in the process's table.
  if (entry.res < 0) return submit_kernel_shutdown(file, tag);
  const std::int32_t result = shutdown(entry.res, SHUT_WR) == 0 ? 0 : -errno;
  close(entry.res);
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

Status UringRing::wait(std::optional<std::int64_t> timeout_ns) {
  queue_waiting();
  // What waits for a place in the queue is to follow soon.
  const int result = enter(waiting_.empty() ? timeout_ns : 0);
  // The kernel is short of memory, or has more completions than it has room for. Reading them helps, and so does time.
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
void UringRing::dispatch(CompletionHandler& handler) {
  std::array<io_uring_cqe, 64> batch;
  for (unsigned left = io_uring_cq_ready(&ring_); left > 0;) {
    std::array<io_uring_cqe*, batch.size()> entries;
    const unsigned count =
        io_uring_peek_batch_cqe(&ring_, entries.data(), std::min<unsigned>(left, static_cast<unsigned>(batch.size())));
    for (unsigned i = 0; i < count; ++i) batch[i] = *entries[i];
    io_uring_cq_advance(&ring_, count);
    for (unsigned i = 0; i < count; ++i) dispatch_one(batch[i], handler);
    left -= count;
  }
}

void UringRing::dispatch_one(const io_uring_cqe& entry, CompletionHandler& handler) {
  if ((entry.user_data & kShutdownBit) != 0) return shut_down_installed(entry, handler);
  Completion completion{.tag = Tag::decode(entry.user_data),
                        .result = entry.res,
                        .more = (entry.flags & IORING_CQE_F_MORE) != 0,
                        .buffer = {}};
  if ((entry.flags & IORING_CQE_F_BUFFER) == 0) {
    if (completion.tag.operation != Operation::kNone) handler.on_completion(completion);
    return;
  }
  ReceiveBuffers& buffers =
      completion.tag.operation == Operation::kUpstreamReceive ? stream_buffers_ : message_buffers_;
  completion.buffer = buffers.filled(entry);
  handler.on_completion(completion);
  buffers.give_back(entry);
}

}  // namespace streaming
