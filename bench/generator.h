// SPDX-License-Identifier: Apache-2.0
// Generator: the clients of one process, from the hand-off to the end of the answer, by one epoll.
//
// It runs in a separate forked process and writes only its Tally. A client costs a slot of 64 bytes and the kernel's
// sockets: all clients read into one shared buffer.

#pragma once

#include <time.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bench/client_sockets.h"
#include "bench/daemon_socket.h"
#include "bench/options.h"
#include "bench/response_reader.h"
#include "bench/tally.h"
#include "bench/tls_clients.h"

namespace streaming::bench {

class Generator {
 public:
  // This is number `process` of `options.processes`; all begin at `begin_ns` of the monotonic clock.
  static Result<Generator> create(const Options& options, std::uint32_t process, std::int64_t begin_ns, Tally& tally);

  // Runs until all streams have ended.
  Status run();

  // The text of the last failure, for the operator.
  const std::string& last_error() const { return last_error_; }

 private:
  using Slot = std::uint32_t;

  struct Client {
    UniqueFd socket;
    UniqueFd connection;         // to the daemon, until its acknowledgement arrives
    std::int64_t handed_ns = 0;  // when the hand-off was complete; after leaving: when the client left
    std::uint64_t bytes = 0;
    ResponseReader reader;
    std::unique_ptr<TlsRecords> tls;  // of a TLS client
    std::uint32_t number = 0;   // distinguishes this stream from the slot's former ones
    bool read_started = false;  // the first byte has arrived
    bool left = false;          // has shut down its side, and waits until the daemon closes
  };
  static_assert(sizeof(Client) <= 64, "a client's cost");

  // A time at which a stream is due. All waits of one kind are equally long, so that a queue is sorted.
  struct Deadline {
    std::int64_t at_ns;
    Slot slot;
    std::uint32_t number;
  };

  Generator(const Options& options, ClientSockets clients, DaemonSocket daemon, std::optional<TlsClients> tls,
            Tally& tally);

  // The next stream's number, among those of all processes.
  std::uint64_t next_number() const { return first_ + std::uint64_t{started_} * options_->processes; }
  std::string next_message() const;
  std::int64_t next_start_ns() const;
  timespec time_to_next(std::int64_t now) const;
  void start_due(std::int64_t now);
  // False if nothing can be started now: try again.
  bool start_one(std::int64_t now);
  bool rest_waits_for_its_turn() const;
  bool may_start() const;
  // Handles a hand-off that could not be begun or sent; false: try again.
  bool give_up(const Error& error, Failure failure, std::int64_t now);
  void adopt(ClientPair pair, UniqueFd connection);
  Slot free_slot();
  bool watch(int fd, std::uint32_t events, std::uint64_t key);

  void on_ready(std::uint64_t key, std::uint32_t events);
  void on_acknowledgement(Slot slot);
  void on_readable(Slot slot, std::uint32_t events);
  bool read_once(Slot slot, std::size_t most);
  // False if they are no records of the daemon.
  bool on_bytes(Client& client, std::size_t count);
  bool wants_to_leave(const Client& client) const;
  void on_end_of_answer(Slot slot);

  void expire(std::int64_t now);
  void leave(const Deadline& deadline);
  void on_closed(Slot slot);
  void complete(Slot slot);
  // With --verbose.
  void log_end(const Client& client, const char* how) const;
  void fail(Slot slot, Failure failure, std::string words);
  void release(Slot slot);
  Client* find(const Deadline& deadline);

  const Options* options_;
  ClientSockets clients_;
  DaemonSocket daemon_;
  std::optional<TlsClients> tls_;
  std::string message_;    // of each hand-off, but for the number
  std::size_t number_at_;  // in it; npos: nowhere
  Tally* tally_;
  UniqueFd epoll_;
  std::uint32_t first_ = 0;      // this process's first stream; then each options.processes-th is its own
  std::uint32_t total_ = 0;      // this process's streams
  std::uint32_t in_flight_ = 0;  // the most at once; 0: no limit
  std::int64_t begin_ns_ = 0;
  std::uint32_t started_ = 0;
  std::uint32_t open_ = 0;
  std::int64_t attempt_ns_ = 0;  // start of the attempts for the next stream's hand-off; 0: none
  std::int64_t retry_ns_ = 0;    // time of the next attempt
  std::vector<Client> slots_;
  std::vector<Slot> free_;
  std::deque<Deadline> timeouts_;
  std::deque<Deadline> slow_reads_;
  std::deque<Deadline> leaves_;
  std::vector<char> buffer_;
  std::string last_error_;
};

}  // namespace streaming::bench
