// SPDX-License-Identifier: Apache-2.0
// Ring: a worker's interface to the kernel. submit_<operation> queues an operation, wait() submits all queued ones
// together, and dispatch() hands out their completions.
//
// One per worker, which owns it. Made on any thread; from enable() on only the worker's thread uses it, except for
// number(), to which other rings pass files. Memory that an operation uses must stay in place until its last
// completion. An interface with two implementations, UringRing and EpollRing (ring/engine.h chooses), and a third with
// which tests replay completions in any order (tests/support/fake_ring.h).

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

// A slot of the ring's file table (a "direct descriptor"), or a descriptor of the process.
class RingFile {
 public:
  static RingFile direct(std::uint32_t slot) { return RingFile(static_cast<std::int32_t>(slot), true); }
  static RingFile regular(int fd) { return RingFile(fd, false); }

  std::int32_t number() const { return number_; }
  bool is_direct() const { return direct_; }
  bool operator==(const RingFile&) const = default;

 private:
  RingFile(std::int32_t number, bool direct) : number_(number), direct_(direct) {}

  std::int32_t number_ : 31;
  bool direct_ : 1;
};

static_assert(sizeof(RingFile) == 4, "a part of each stream");

struct Completion {
  Tag tag;
  std::int32_t result = 0;  // the system call's result; a negative errno if it failed
  bool more = false;        // the operation continues and will complete again
  // The received bytes, if the ring provided the buffer; valid during the call. kJsonPadding bytes follow a message.
  std::span<char> buffer;
};

class CompletionHandler {
 public:
  // Never for Operation::kNone.
  virtual void on_completion(const Completion& completion) = 0;

 protected:
  ~CompletionHandler() = default;
};

// What a worker needs of its ring.
struct RingOptions {
  // io_uring alone: where its files are. false: there is no table, all files are descriptors of the process.
  bool direct_files = true;
  std::uint32_t client_files = 0;      // slots that adopt() assigns, from 0; what is beyond is the process's
  std::uint32_t connection_files = 0;  // slots behind them that the kernel assigns

  std::uint32_t receive_buffers = 16;  // a power of two
  std::size_t receive_bytes = 0;       // the largest message
  std::uint32_t stream_buffers = 0;    // a power of two; 0: nobody receives streams
  std::size_t stream_bytes = 0;        // at most so many come at once
};

class Ring {
 public:
  virtual ~Ring() = default;

  // Binds the ring to the calling thread. Call it before any operation.
  virtual Status enable() = 0;

  // The descriptor by which another ring addresses this one.
  virtual int number() const = 0;

  // The number of completions that the kernel has lost so far, because it had neither room nor memory for them. Any
  // thread.
  virtual std::uint64_t lost_completions() const = 0;

  // Takes over a client, immediately: into `slot` of the ring's table, or as a descriptor of the process if the table
  // has no such slot. The ring owns the file until submit_close(); on failure the caller keeps it.
  virtual Result<RingFile> adopt(std::uint32_t slot, UniqueFd& fd) = 0;

  // The file in the result of an accept, or of a passed file's arrival.
  virtual RingFile file_of(std::int32_t result) const = 0;

  // Accepts one connection on `listener`; file_of() gives the file for its result. A connection that finds no free slot
  // in the ring's table is lost, so do not submit more accepts than there are free slots.
  virtual void submit_accept(RingFile listener, Tag tag) = 0;

  // Passes `file` to the ring with the number `target`. That ring gets a completion of `arrival`, whose result
  // file_of() understands; this ring gets a completion of `tag` with the outcome. Then close a direct file, which is
  // still in this ring's table. A descriptor of the process is still open only if passing failed.
  virtual void submit_pass_file(RingFile file, int target, Tag arrival, Tag tag) = 0;

  // Receives one message into a buffer that is taken only when it arrives; -ENOBUFS if all were in use. `message` holds
  // the control buffer and is filled in. Without `wait` it completes with -EAGAIN if there is no message.
  virtual void submit_receive_message(RingFile file, msghdr& message, bool wait, Tag tag) = 0;

  // Connects a blocking descriptor of the process.
  virtual void submit_connect(RingFile file, const sockaddr& address, socklen_t length, Tag tag) = 0;

  // Receives from a blocking stream socket repeatedly, until the end (0), an error or a cancellation. Each time it
  // takes a buffer only when there are bytes. -ENOBUFS if all buffers were in use: submit it again.
  virtual void submit_receive_stream(RingFile file, Tag tag) = 0;

  // Receives once from a stream socket, into one of the same buffers. Does not wait: -EAGAIN if there are no bytes, and
  // -ENOBUFS if all buffers were in use.
  virtual void submit_receive_available(RingFile file, Tag tag) = 0;

  // Neither waits: they complete with -EAGAIN instead.
  virtual void submit_send(RingFile file, std::span<const char> bytes, Tag tag) = 0;
  virtual void submit_receive(RingFile file, std::span<char> bytes, Tag tag) = 0;

  // As submit_send(), but the completion of a send of all bytes may come up to kQuietSendDelay later. So the kernel
  // reports failures alone, and the worker does not wake to learn that the turn's sends have gone.
  virtual void submit_quiet_send(RingFile file, std::span<const char> bytes, Tag tag) { submit_send(file, bytes, tag); }

  // For files on disk and blocking pipes: a thread of the kernel waits for them, never the worker. They open, read and
  // write descriptors of the process, from `offset`, or from the file's position (kFromPosition).
  static constexpr std::uint64_t kFromPosition = ~std::uint64_t{0};
  virtual void submit_read(RingFile file, std::span<char> bytes, std::uint64_t offset, Tag tag) = 0;
  virtual void submit_write(RingFile file, std::span<const char> bytes, std::uint64_t offset, Tag tag) = 0;
  // The file's data and what is needed to read it are on the disk when it completes; of a directory, its entries.
  virtual void submit_sync(RingFile file, Tag tag) = 0;
  virtual void submit_open(int directory, const char* path, const open_how& how, Tag tag) = 0;
  // Type and size of the file.
  virtual void submit_file_status(RingFile file, struct statx& status, Tag tag) = 0;
  virtual void submit_remove(int directory, const char* path, Tag tag) = 0;

  // Waits until one of `events` (POLLIN, ...; always also POLLHUP and POLLERR) occurs; the result has those that did.
  virtual void submit_poll(RingFile file, short events, Tag tag) = 0;

  virtual void submit_shutdown_write(RingFile file, Tag tag) = 0;

  // Counts the sent bytes that the peer has not acknowledged; the end counts too. For a Unix socket the result is 0
  // only if the peer has read everything. An error if that cannot be found out now.
  virtual void submit_count_unacknowledged(RingFile file, Tag tag) = 0;

  virtual void submit_close(RingFile file, Tag tag) = 0;

  // Makes the operation with the tag `target` complete soon, with -ECANCELED unless it has completed already. The
  // cancellation itself has no completion.
  virtual void submit_cancel(Tag target) = 0;

  // Submits what is queued and waits until an operation has completed or the time is up (0: does not wait; empty: no
  // limit). Fails with EBADR, once, if the kernel has lost completions; all other operations still complete.
  virtual Status wait(std::optional<std::int64_t> timeout_ns) = 0;

  // Hands each completion to `handler`, which may queue operations; false if there was none.
  virtual bool dispatch(CompletionHandler& handler) = 0;
};

}  // namespace streaming
