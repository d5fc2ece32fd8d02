// SPDX-License-Identifier: Apache-2.0
// Generator: one process's clients, from the hand-off to the end of the answer, over one epoll.
//
// Lives in a forked process of its own; writes nothing but its Tally. A client costs a slot of 64 bytes and the
// kernel's sockets: what it receives is read into one buffer that all share.

#pragma once

#include <time.h>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bench/client_sockets.h"
#include "bench/daemon_socket.h"
#include "bench/options.h"
#include "bench/response_reader.h"
#include "bench/tally.h"

namespace streaming::bench {

class Generator {
 public:
  // Of `options.processes` this is number `process`; all begin at `begin_ns` of the monotonic clock.
  static Result<Generator> create(const Options& options, std::uint32_t process, std::int64_t begin_ns, Tally& tally);

  // Until all streams have ended.
  Status run();

  // The last failure's words, for the operator.
  const std::string& last_error() const { return last_error_; }

 private:
  using Slot = std::uint32_t;

  struct Client {
    UniqueFd socket;
    UniqueFd connection;         // to the daemon, while its acknowledgement is waited for
    std::int64_t handed_ns = 0;  // when the hand-off was complete; once it has left: when it did
    std::uint64_t bytes = 0;
    ResponseReader reader;
    std::uint32_t number = 0;   // tells this stream from the slot's former ones
    bool read_started = false;  // the first byte has come
    bool left = false;          // has said good-bye, and waits for the daemon's
  };
  static_assert(sizeof(Client) <= 64, "what a client costs");

  // A moment at which a stream is to be looked at. All waits of one kind are as long as each other, so that a queue
  // is in order.
  struct Deadline {
    std::int64_t at_ns;
    Slot slot;
    std::uint32_t number;
  };

  Generator(const Options& options, ClientSockets clients, DaemonSocket daemon, Tally& tally);

  std::int64_t next_start_ns() const;
  timespec time_to_next(std::int64_t now) const;
  void start_due(std::int64_t now);
  // False when nothing can be started now: to be tried again.
  bool start_one(std::int64_t now);
  bool rest_waits_for_its_turn() const;
  bool may_start() const;
  // What is done about a hand-off that could not be begun or sent; false to try again.
  bool give_up(const Error& error, Failure failure, std::int64_t now);
  void adopt(ClientPair pair, UniqueFd connection);
  Slot free_slot();
  bool watch(int fd, std::uint32_t events, std::uint64_t key);

  void on_ready(std::uint64_t key, std::uint32_t events);
  void on_acknowledgement(Slot slot);
  void on_readable(Slot slot, std::uint32_t events);
  bool read_once(Slot slot, std::size_t most);
  void on_bytes(Client& client, std::size_t count);
  bool wants_to_leave(const Client& client) const;
  void on_end_of_answer(Slot slot);

  void expire(std::int64_t now);
  void leave(const Deadline& deadline);
  void on_closed(Slot slot);
  void complete(Slot slot);
  void fail(Slot slot, Failure failure, std::string words);
  void release(Slot slot);
  Client* find(const Deadline& deadline);

  const Options* options_;
  ClientSockets clients_;
  DaemonSocket daemon_;
  Tally* tally_;
  UniqueFd epoll_;
  std::uint32_t first_ = 0;      // this process's streams are the first_th of all, and each options.processes-th then
  std::uint32_t total_ = 0;      // this process's streams
  std::uint32_t in_flight_ = 0;  // at most; 0: no bound
  std::int64_t begin_ns_ = 0;
  std::uint32_t started_ = 0;
  std::uint32_t open_ = 0;
  std::int64_t attempt_ns_ = 0;  // since when the next stream's hand-off is being tried; 0: is not
  std::int64_t retry_ns_ = 0;    // when it is tried again
  std::vector<Client> slots_;
  std::vector<Slot> free_;
  std::deque<Deadline> timeouts_;
  std::deque<Deadline> slow_reads_;
  std::deque<Deadline> leaves_;
  std::vector<char> buffer_;
  std::string last_error_;
};

}  // namespace streaming::bench
