// SPDX-License-Identifier: Apache-2.0
// EpollRing: the Ring over epoll and plain system calls, for systems that do not offer io_uring.
//
// Needs Linux 4.18. All files are descriptors of the process. wait() carries out the queued requests in their order. A
// request that must wait for its file is kept, and the file is registered with epoll, level-triggered, for the events
// of all requests that wait for it. Registrations that have changed are brought up to date once a turn, so that a
// request that waits costs nothing more. Calls that may block on a disk are made by threads (BlockingCalls). There is
// one buffer for received messages, because each is handed out before the next is received.

#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "base/slab.h"
#include "base/undumped_memory.h"
#include "base/unique_fd.h"
#include "ring/blocking_calls.h"
#include "ring/ring.h"

namespace streaming {

class EpollRing final : public Ring {
 public:
  // Of the options only the sizes of what is received matter.
  static Result<std::unique_ptr<Ring>> create(const RingOptions& options);

  ~EpollRing() override;

  Status enable() override { return success(); }
  int number() const override { return wakeup_.get(); }
  std::uint64_t lost_completions() const override { return 0; }
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
  enum class Kind : std::uint8_t {
    // Never wait for their file.
    kSend,
    kReceive,
    kReceiveAvailable,
    kShutdownWrite,
    kCountUnacknowledged,
    kClose,
    kPassFile,
    kCancel,
    kReceiveMessageNow,
    // Are tried, and wait if there is nothing yet.
    kAccept,
    kConnect,
    kReceiveMessage,
    // Wait.
    kPoll,
    kReceiveStream,
    kRead,
  };

  struct Request {
    Tag tag;  // of a cancellation: its target
    Kind kind;
    short events = 0;  // of a poll
    int fd = -1;
    int target = -1;           // of a passed file: the other ring
    void* memory = nullptr;    // what is sent or received into; a message; an address
    std::uint64_t number = 0;  // of bytes of it; of a passed file: the arrival
  };

  struct Waiting;
  using ByTag = std::unordered_multimap<std::uint64_t, Waiting*>;

  // What waits for one descriptor, the oldest first, and what epoll watches it for.
  struct Watched {
    Waiting* first = nullptr;
    Waiting* last = nullptr;
    std::uint32_t registration = 0;  // number of the last one
    std::uint16_t events = 0;        // 0: it is not registered
    bool is_changed = false;         // true exactly while it is in changed_
    bool needs_update = false;       // the descriptor may be of another file than before
  };

  explicit EpollRing(const RingOptions& options) : options_(options) {}

  Status open();
  void submit(const Request& request) { requests_.push_back(request); }
  void complete(Tag tag, std::int32_t result);
  static void hand_out(const Completion& completion, CompletionHandler& handler);
  void carry_out(const Request& request);
  std::int32_t call(const Request& request);
  void accept_or_wait(const Request& request);
  void connect_or_wait(const Request& request);
  void close_file(const Request& request);
  void pass_file(const Request& request);
  void cancel(Tag target);

  Watched& watched(int fd);
  void wait_for_event(const Request& request);
  void stop_waiting(Waiting& waiting);
  void note_change(int fd);
  void update_registrations();
  void update_registration(int fd);
  static std::uint32_t events_of(const Request& request);

  void take_event(const epoll_event& event, CompletionHandler& handler);
  void give_up_waiting(int fd, std::int32_t result);
  // These three return whether the request waits on.
  bool try_again(const Request& request, std::uint32_t events, CompletionHandler& handler);
  bool receive(const Request& request, CompletionHandler& handler);
  bool receive_message(const Request& request, CompletionHandler& handler);
  void take_arrivals(CompletionHandler& handler);

  const RingOptions options_;
  UniqueFd epoll_;
  UniqueFd wakeup_;  // an eventfd: something has arrived, or a blocking call has ended
  std::optional<BlockingCalls> blocking_calls_;
  UndumpedMemory buffer_;  // clients' keys and texts pass through it

  std::vector<Request> requests_;        // submitted since the last wait()
  std::vector<Request> to_receive_;      // need the buffer: dispatch() makes them
  std::vector<Completion> completions_;  // that dispatch() hands out
  Slab<Waiting> waiting_{kUnlimited};
  ByTag by_tag_;
  std::vector<Watched> watched_;  // by descriptor
  std::vector<int> changed_;
  std::array<epoll_event, 256> events_;
  std::size_t event_count_ = 0;

  std::mutex arrivals_mutex_;
  std::vector<Completion> arrivals_;  // passed by other rings
};

}  // namespace streaming
