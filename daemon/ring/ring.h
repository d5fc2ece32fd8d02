// SPDX-License-Identifier: Apache-2.0
// Ring: a worker's way to the kernel. Operations are queued by submit_<operation>, go to the kernel together in wait(),
// and come back as Completions from dispatch().
//
// One per worker, owned by it; made on any thread, used by the worker's alone from enable() on, but for its number(),
// which other rings pass files to. What an operation points to must stay where it is until its last completion.
// Interface, so that tests can replay completions in any order (tests/support/fake_ring.h); UringRing is the real one.

#pragma once

#include <linux/openat2.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"
#include "ring/tag.h"

namespace streaming {

// A slot of the ring's own file table (a "direct descriptor"), or a descriptor of the process.
class RingFile {
 public:
  static RingFile direct(std::uint32_t slot) { return RingFile(static_cast<std::int32_t>(slot), true); }
  static RingFile regular(int fd) { return RingFile(fd, false); }

  std::int32_t number() const { return number_; }
  bool is_direct() const { return direct_; }
  bool operator==(const RingFile&) const = default;

 private:
  RingFile(std::int32_t number, bool direct) : number_(number), direct_(direct) {}

  std::int32_t number_;
  bool direct_;
};

struct Completion {
  Tag tag;
  std::int32_t result = 0;  // what the system call would return; an errno is negative
  bool more = false;        // the operation goes on, and will complete again
  // What was received, if the ring gave the buffer; valid during the call. kJsonPadding bytes stand behind a message.
  std::span<char> buffer;
};

class CompletionHandler {
 public:
  virtual void on_completion(const Completion& completion) = 0;

 protected:
  ~CompletionHandler() = default;
};

class Ring {
 public:
  virtual ~Ring() = default;

  // Binds the ring to the calling thread. Before any operation.
  virtual Status enable() = 0;

  // The descriptor by which another ring addresses this one.
  virtual int number() const = 0;

  // Completions that the kernel had neither room nor memory for, ever. Any thread.
  virtual std::uint64_t lost_completions() const = 0;

  // Takes a client over: into `slot` of the ring's table, or as a descriptor of the process where that has no such
  // slot. Until submit_close() the file is the ring's; on failure it stays the caller's. Immediate.
  virtual Result<RingFile> adopt(std::uint32_t slot, UniqueFd& fd) = 0;

  // The file that an accept, or the arrival of a passed file, has brought as its result.
  virtual RingFile file_of(std::int32_t result) const = 0;

  // Accepts one connection on `listener`; the result is a file_of(). What finds no free slot of the ring's table is
  // lost: not more than there are.
  virtual void submit_accept(RingFile listener, Tag tag) = 0;

  // Gives `file` to the ring with the number `target`, which gets a completion of `arrival` with a file_of() as result;
  // a completion of `tag` here says how it went. A direct file is still in this ring's table then, and is to be closed;
  // a descriptor of the process is only where that failed.
  virtual void submit_pass_file(RingFile file, int target, Tag arrival, Tag tag) = 0;

  // Receives one message into a buffer that is taken only when it arrives; -ENOBUFS when all were in use. `message`
  // holds the control buffer and is filled in. Without `wait` it completes with -EAGAIN where no message is there.
  virtual void submit_receive_message(RingFile file, msghdr& message, bool wait, Tag tag) = 0;

  // Connects a descriptor of the process that blocks.
  virtual void submit_connect(RingFile file, const sockaddr& address, socklen_t length, Tag tag) = 0;

  // Receives from a stream socket that blocks, again and again, each time into a buffer that is taken only when bytes
  // are there, until the end (0), an error or a cancellation. -ENOBUFS when all buffers were in use: submit it again.
  virtual void submit_receive_stream(RingFile file, Tag tag) = 0;

  // Neither ever waits: -EAGAIN where it would.
  virtual void submit_send(RingFile file, std::span<const char> bytes, Tag tag) = 0;
  virtual void submit_receive(RingFile file, std::span<char> bytes, Tag tag) = 0;

  // Files of the disk, and pipes that block: the ring waits for them elsewhere, and the worker never. Descriptors of
  // the process are opened and read, into `bytes` from `offset`, or from where the file is (kFromPosition).
  static constexpr std::uint64_t kFromPosition = ~std::uint64_t{0};
  virtual void submit_read(RingFile file, std::span<char> bytes, std::uint64_t offset, Tag tag) = 0;
  virtual void submit_open(int directory, const char* path, const open_how& how, Tag tag) = 0;
  // Type and size of the file.
  virtual void submit_file_status(RingFile file, struct statx& status, Tag tag) = 0;
  virtual void submit_remove(int directory, const char* path, Tag tag) = 0;

  // Waits until one of `events` (POLLIN, ...; POLLHUP and POLLERR always) holds; the result says which do.
  virtual void submit_poll(RingFile file, short events, Tag tag) = 0;

  virtual void submit_shutdown_write(RingFile file, Tag tag) = 0;

  // How many bytes of what was sent the peer has not acknowledged, its end included; of a Unix socket, whether it has
  // read all. An error where that cannot be found out now.
  virtual void submit_count_unacknowledged(RingFile file, Tag tag) = 0;

  virtual void submit_close(RingFile file, Tag tag) = 0;

  // The operation with tag `target` completes soon, with -ECANCELED if it had not yet. Itself it completes silently.
  virtual void submit_cancel(Tag target) = 0;

  // Submits what is queued and waits until something has completed or the time is up (zero: does not wait; nothing: for
  // ever). Fails with EBADR, once, when the kernel has lost completions; what has not lost its own goes on to complete.
  virtual Status wait(std::optional<std::int64_t> timeout_ns) = 0;

  // Hands what has completed to `handler`, which may queue operations; false when there was nothing.
  virtual bool dispatch(CompletionHandler& handler) = 0;
};

}  // namespace streaming
