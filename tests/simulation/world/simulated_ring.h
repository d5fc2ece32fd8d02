// SPDX-License-Identifier: Apache-2.0
// SimulatedRing: a worker's ring over the simulated kernel. The seed decides when each operation is carried out, when its
// completion comes, and with what.
//
// One per worker, on the world's thread. wait() never waits: the World lets a worker's turn come when there is something
// for it. What it does is what a real kernel may do:
//
// - Operations are carried out in the order in which they were submitted, or a moment later by a thread of the kernel.
//   The file is the one of the moment of submission, whatever happens to its descriptor.
// - Completions come in any order, also after that of an operation that was submitted later, and in parts. Those of one
//   multishot operation come in their order, and the last one has no `more`.
// - A cancellation meets an operation that waits, or that no thread has begun. It does nothing to one that has been
//   carried out, although its completion may be still to come.
// - Each operation completes exactly once, but for multishot ones. A completion is lost only together with EBADR.
// - Memory of an operation is read and written until its completion is handed out: the ring checks then that what is sent
//   has not changed, and writes what is received once more. So a build with AddressSanitizer reports memory that was freed.
//
// What a real kernel never does, it does not do either: invent bytes, tags or files, reorder bytes, report less room
// than there is for ever, or complete an operation that a process submitted which has ended.

#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ring/ring.h"
#include "simulation/world/disk.h"
#include "simulation/world/kernel.h"

namespace streaming::simulation {

class SimulatedRing final : public Ring {
 public:
  // `on_ready` is called when there is something to hand out. `files` are the process's.
  SimulatedRing(Kernel& kernel, Disk& disk, ProcessFiles& files, const RingOptions& options, std::string name,
                std::function<void()> on_ready);
  ~SimulatedRing() override;

  // What the kernel does when the worker enters it: carries out what was submitted.
  void enter();
  // Whether there is something to hand out, or to report.
  bool is_ready() const { return !ready_.empty() || unreported_losses_; }
  // The process has ended without a word: nothing of it completes any more.
  void kill();
  // The worker has ended: what it has asked to be closed is closed now, if it was not yet.
  void finish_closes();
  const RingOptions& options() const { return options_; }
  std::size_t message_buffers_in_use() const { return messages_in_use_; }
  std::size_t stream_buffers_in_use() const { return streams_in_use_; }
  std::size_t files_in_table() const;

  Status enable() override { return success(); }
  int number() const override { return number_; }
  std::uint64_t lost_completions() const override { return lost_; }
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
  enum class Kind : std::uint8_t;
  struct Request;
  // A completion that is to be handed out, with the buffer that it brings.
  struct Ready {
    std::unique_ptr<Request> request;  // null unless it was the last one of its operation
    Completion completion;
    std::vector<char> buffer;
    std::size_t* buffers_in_use = nullptr;  // of which the buffer is one
  };

  void note_killed();
  Request& add(Kind kind, RingFile file, Tag tag);
  void carry_out_or_wait(Request& request);
  void carry_out(Request& request);
  std::optional<std::int64_t> try_now(Request& request);
  std::int64_t accept(Request& request);
  std::int64_t pass_file(Request& request);
  std::optional<std::int64_t> receive_message(Request& request);
  std::optional<std::int64_t> receive_stream(Request& request);
  std::int64_t receive_available(Request& request);
  std::int64_t close(Request& request);
  std::optional<int> shortage(const Request& request);
  void start_disk_operation(Request& request);
  void cancel(Tag target);
  void arrive(Tag arrival, std::int32_t result);
  std::int32_t install(std::shared_ptr<File> file);
  std::shared_ptr<File> find(RingFile file) const;

  void complete(Request& request, std::int64_t result);
  void push(Ready ready);
  Ready received(Request& request, std::size_t bytes, std::size_t& in_use, std::vector<char> buffer);

  Kernel& kernel_;
  Disk& disk_;
  ProcessFiles& files_;
  const RingOptions options_;
  const std::string name_;
  const int number_;
  const std::function<void()> on_ready_;
  bool killed_ = false;
  std::uint64_t next_request_ = 0;
  std::vector<std::shared_ptr<File>> table_;
  std::deque<Request*> submitted_;                               // since the worker has entered the kernel last
  std::map<std::uint64_t, std::unique_ptr<Request>> requests_;  // that have not been carried out
  std::deque<Ready> ready_;
  std::size_t messages_in_use_ = 0;
  std::size_t streams_in_use_ = 0;
  std::uint64_t lost_ = 0;
  bool unreported_losses_ = false;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // for what is scheduled
};

}  // namespace streaming::simulation
