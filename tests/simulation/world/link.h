// SPDX-License-Identifier: Apache-2.0
// Link: a stream connection between a daemon and a Peer: both ends' buffers, and the way between them. StreamSocket: the
// daemon's end, as a file.
//
// Works as TCP over a network that loses nothing but what the seed wants, or as a pair of Unix sockets. The kernel keeps
// the Link until its peer has been told of its end.

#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "simulation/world/file.h"
#include "simulation/world/kernel.h"
#include "simulation/peer.h"

namespace streaming::simulation {

class StreamSocket;

class Link final : public Connection, public std::enable_shared_from_this<Link> {
 public:
  enum class Kind : std::uint8_t { kTcp, kUnix };

  // Connects the socket with the peer, which it owns if `owned` is it, and calls the peer's on_open().
  static void open(Kernel& kernel, Kind kind, StreamSocket& socket, Peer& peer, std::unique_ptr<Peer> owned);

  Link(Kernel& kernel, Kind kind, StreamSocket& socket, Peer& peer, std::unique_ptr<Peer> owned);

  Mishaps mishaps() const override { return mishaps_; }
  void send(std::string_view bytes) override;
  void shutdown_write() override;
  void close() override;
  void reset() override;
  void set_reading(bool reading) override;

 private:
  friend class StreamSocket;

  std::int64_t latency_ns();
  std::size_t part_of(std::size_t bytes);
  // Towards the daemon.
  void arrive_later();
  void arrive();
  void fail_daemon(int error);
  // Towards the peer.
  std::size_t room() const;
  void carry_later();
  void carry();
  void hand_to_peer();
  void reset_peer();
  void tell_peer_if_over();
  void tell_peer_closed(bool reset);
  void close_daemon_end(bool unread);
  // Ends the connection if the peer acknowledges nothing for as long as the daemon has asked for (TCP_USER_TIMEOUT).
  void watch_progress();

  Kernel& kernel_;
  const Kind kind_;
  const std::uint32_t number_;
  Peer& peer_;
  std::unique_ptr<Peer> owned_;
  StreamSocket* socket_;  // null once the daemon has closed
  const std::int64_t base_latency_ns_;
  const std::size_t capacity_;  // of each buffer
  Mishaps mishaps_;

  std::string under_way_;  // to the daemon
  bool end_under_way_ = false;
  bool reset_under_way_ = false;
  bool arriving_ = false;  // arrive() is scheduled
  std::string outbox_;     // of the daemon's kernel, not acknowledged
  bool end_queued_ = false;  // behind it
  std::int64_t progress_ns_ = 0;  // when something was acknowledged
  bool progress_watched_ = false;
  bool carrying_ = false;  // carry() is scheduled
  std::string peer_inbox_;
  bool end_arrived_ = false;  // behind it
  bool peer_reading_ = true;
  bool peer_at_end_ = false;  // on_end_of_file() was called
  bool peer_shut_ = false;    // sends no more
  bool peer_closed_ = false;
  bool peer_told_ = false;    // on_closed() was called
  bool dead_ = false;         // nothing arrives any more
};

class StreamSocket final : public File {
 public:
  StreamSocket(Kernel& kernel, int family) : kernel_(kernel), family_(family) {}
  ~StreamSocket() override;

  void note_dropped() override;
  void note_killed() override;
  short events() const override;
  std::int64_t send(std::span<const char> bytes) override;
  std::int64_t receive(std::span<char> room) override;
  std::size_t receivable() const override { return inbox_.size(); }
  std::int64_t connect(const sockaddr& address, socklen_t length) override;
  std::int64_t connected() override;
  std::int64_t shutdown(int how) override;
  std::int64_t unacknowledged() override;
  std::int64_t set_option(int level, int option, const void* value, socklen_t length) override;
  std::int64_t option(int level, int option, void* value, socklen_t& length) override;

 private:
  friend class Link;

  enum class State : std::uint8_t { kNew, kConnecting, kConnected, kBroken };

  void establish(const std::string& address);
  void fail(int error);
  int take_error() { return std::exchange(error_, 0); }

  Kernel& kernel_;
  const int family_;
  State state_ = State::kNew;
  std::shared_ptr<Link> link_;
  int error_ = 0;  // SO_ERROR
  std::string inbox_;
  bool at_end_ = false;  // the peer sends no more
  bool shut_ = false;    // the daemon sends no more
  std::size_t lost_bytes_ = 0;  // were not acknowledged when the connection broke
  std::int64_t user_timeout_ms_ = 0;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // for what is scheduled
};

}  // namespace streaming::simulation
