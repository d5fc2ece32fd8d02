// SPDX-License-Identifier: Apache-2.0
// UringRing: the Ring over io_uring.
//
// Needs Linux 6.1: files that the kernel finds a slot for (5.19), a single issuer (6.0), completions that run when the
// thread asks for them (6.1).

#pragma once

#include <liburing.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "ring/receive_buffers.h"
#include "ring/ring.h"

namespace streaming {

class UringRing final : public Ring {
 public:
  // The Error says which sysctl, limit or seccomp rule stands in the way, and what to do about it.
  static Result<std::unique_ptr<Ring>> create(const RingOptions& options);

  ~UringRing() override;

  Status enable() override;
  int number() const override { return ring_.ring_fd; }
  std::uint64_t lost_completions() const override;
  Result<RingFile> adopt(std::uint32_t slot, UniqueFd& fd) override;
  RingFile file_of(std::int32_t result) const override;
  void submit_accept(RingFile listener, Tag tag) override;
  void submit_pass_file(RingFile file, int target, Tag arrival, Tag tag) override;
  void submit_receive_message(RingFile file, msghdr& message, bool wait, Tag tag) override;
  void submit_connect(RingFile file, const sockaddr& address, socklen_t length, Tag tag) override;
  void submit_receive_stream(RingFile file, Tag tag) override;
  void submit_receive_available(RingFile file, Tag tag) override;
  void submit_send(RingFile file, std::span<const char> bytes, Tag tag) override;
  void submit_receive(RingFile file, std::span<char> bytes, Tag tag) override;
  void submit_quiet_send(RingFile file, std::span<const char> bytes, Tag tag) override;
  void submit_read(RingFile file, std::span<char> bytes, std::uint64_t offset, Tag tag) override;
  void submit_write(RingFile file, std::span<const char> bytes, std::uint64_t offset, Tag tag) override;
  void submit_sync(RingFile file, Tag tag) override;
  void submit_open(int directory, const char* path, const open_how& how, Tag tag) override;
  void submit_file_status(RingFile file, struct statx& status, Tag tag) override;
  void submit_remove(int directory, const char* path, Tag tag) override;
  void submit_poll(RingFile file, short events, Tag tag) override;
  void submit_shutdown_write(RingFile file, Tag tag) override;
  void submit_count_unacknowledged(RingFile file, Tag tag) override;
  void submit_close(RingFile file, Tag tag) override;
  void submit_cancel(Tag target) override;
  Status wait(std::optional<std::int64_t> timeout_ns) override;
  bool dispatch(CompletionHandler& handler) override;

 private:
  // In user_data, where no operation reaches: at the completion there is a descriptor, for a system call that the ring
  // does not have, or has only in a thread of the kernel.
  static constexpr std::uint64_t kCallBit = std::uint64_t{1} << 63;
  // Likewise: the failure of a quiet send.
  static constexpr std::uint64_t kQuietBit = std::uint64_t{1} << 62;
  static_assert(static_cast<std::uint64_t>(kLastOperation) << Tag::kOperationShift < kQuietBit);

  enum class SystemCall : std::uint8_t { kShutdownWrite, kCountUnacknowledged };

  // What a completion with kCallBit needs.
  struct Call {
    Tag tag;
    RingFile file;
    SystemCall call;
  };

  // A send of which only a failure has a completion.
  struct QuietSend {
    Tag tag;
    std::uint32_t bytes;
    unsigned queue_tail;  // behind its entry
  };

  explicit UringRing(const RingOptions& options) : options_(options) {}

  Status open();
  Status register_files();
  // An entry for a new operation, of the submission queue or, where that is full and the kernel takes nothing, of
  // waiting_.
  io_uring_sqe* next_entry();
  void queue_waiting();
  int enter(std::optional<std::int64_t> timeout_ns);
  void finish_entry(io_uring_sqe* entry, RingFile file, Tag tag);
  std::size_t quiet_sends_done() const;
  bool report_quiet_sends(CompletionHandler& handler);
  void find_out_what_the_kernel_can();
  void submit_kernel_shutdown(RingFile file, Tag tag);
  void submit_call(const Call& call);
  void make_call(const io_uring_cqe& entry, CompletionHandler& handler);
  void dispatch_one(const io_uring_cqe& entry, CompletionHandler& handler);

  const RingOptions options_;
  io_uring ring_{};
  bool open_ = false;
  bool can_install_descriptors_ = false;
  bool can_poll_before_accept_ = false;
  std::vector<Call> calls_;           // whose descriptors are on their way
  std::deque<Call> waiting_calls_;    // until one of these has been made
  std::deque<io_uring_sqe> waiting_;  // operations that had no place in the submission queue
  std::deque<QuietSend> quiet_sends_;  // that were not reported yet, in the order of their entries
  std::unordered_map<std::uint64_t, std::int32_t> failed_sends_;  // results of some of them, by encoded tag
  unsigned lost_ = 0;                 // completions that the kernel is known to have lost
  ReceiveBuffers message_buffers_{ring_, 0};
  ReceiveBuffers stream_buffers_{ring_, 1};
};

}  // namespace streaming
