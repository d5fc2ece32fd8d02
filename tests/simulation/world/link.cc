// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/link.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace streaming::simulation {
namespace {

constexpr std::int64_t kSlowestUsualNs = 10 * kMs;

std::int64_t draw_latency(Kernel& kernel, Link::Kind kind) {
  if (kind == Link::Kind::kUnix) return 20 * kUs;
  if (kernel.faults.slow_link.strikes(kernel.random)) {
    return static_cast<std::int64_t>(kernel.random.between(kSlowestUsualNs / kMs, 800)) * kMs;
  }
  return static_cast<std::int64_t>(kernel.random.between(20, 2000)) * kUs;
}

std::size_t draw_capacity(Kernel& kernel) {
  if (kernel.faults.small_buffers.strikes(kernel.random)) return kernel.random.between(1024, 8192);
  return kernel.random.between(16 * 1024, 256 * 1024);
}

}  // namespace

// --- The way --------------------------------------------------------------------------------------------------------

void Link::open(Kernel& kernel, Kind kind, StreamSocket& socket, Peer& peer, std::unique_ptr<Peer> owned) {
  const auto link = std::make_shared<Link>(kernel, kind, socket, peer, std::move(owned));
  kernel.links.emplace(link->number_, link);
  socket.link_ = link;
  socket.state_ = StreamSocket::State::kConnected;
  peer.on_open(*link);
}

Link::Link(Kernel& kernel, Kind kind, StreamSocket& socket, Peer& peer, std::unique_ptr<Peer> owned)
    : kernel_(kernel),
      kind_(kind),
      number_(kernel.next_number()),
      peer_(peer),
      owned_(std::move(owned)),
      socket_(&socket),
      base_latency_ns_(draw_latency(kernel, kind)),
      capacity_(draw_capacity(kernel)) {
  mishaps_.is_slow = base_latency_ns_ >= kSlowestUsualNs;
  mishaps_.dies = kind == Kind::kTcp && kernel.faults.dead_link.strikes(kernel.random);
  if (mishaps_.dies) {
    const std::uint32_t number = number_;
    kernel.scheduler.after_ns(static_cast<std::int64_t>(kernel.random.between(0, 3000)) * kMs, [&kernel, number] {
      const auto found = kernel.links.find(number);
      if (found == kernel.links.end()) return;
      kernel.trace.note("link {} is dead", number);
      kernel.coverage.count("fault", "dead link");
      const std::shared_ptr<Link> link = found->second;
      link->dead_ = true;
      if (link->socket_ == nullptr) link->reset_peer();  // it finds out by itself, some time
    });
  }
}

std::int64_t Link::latency_ns() {
  return base_latency_ns_ + static_cast<std::int64_t>(kernel_.random.below(static_cast<std::uint64_t>(base_latency_ns_)));
}

std::size_t Link::part_of(std::size_t bytes) {
  if (bytes < 2 || !kernel_.faults.split_arrival.strikes(kernel_.random)) return bytes;
  kernel_.coverage.count("fault", "split arrival");
  return kernel_.random.one_in(2) ? 1 : kernel_.random.between(1, bytes - 1);
}

// --- The peer's calls -----------------------------------------------------------------------------------------------

void Link::send(std::string_view bytes) {
  if (peer_shut_ || peer_closed_ || peer_told_) return;
  under_way_.append(bytes);
  arrive_later();
}

void Link::shutdown_write() {
  if (std::exchange(peer_shut_, true) || peer_closed_) return;
  end_under_way_ = true;
  arrive_later();
}

// With bytes unread it is a reset, as TCP's.
void Link::close() {
  if (peer_closed_ || peer_told_) return;
  if (!peer_inbox_.empty()) return reset();
  shutdown_write();
  peer_closed_ = true;
  carry_later();
}

void Link::reset() {
  if (peer_closed_ || peer_told_) return;
  peer_closed_ = true;
  under_way_.clear();
  end_under_way_ = false;
  reset_under_way_ = true;
  arrive_later();
}

void Link::set_reading(bool reading) {
  if (peer_reading_ == reading) return;
  peer_reading_ = reading;
  if (reading) carry_later();
}

// --- Towards the daemon ---------------------------------------------------------------------------------------------

void Link::arrive_later() {
  if (std::exchange(arriving_, true)) return;
  kernel_.scheduler.after_ns(latency_ns(), [link = shared_from_this()] { link->arrive(); });
}

void Link::arrive() {
  arriving_ = false;
  if (dead_) return tell_peer_if_over();
  if (socket_ == nullptr) {
    if (!under_way_.empty()) return reset_peer();
    return tell_peer_if_over();
  }
  if (reset_under_way_) {
    fail_daemon(socket_->at_end_ ? EPIPE : ECONNRESET);
    return tell_peer_if_over();
  }
  const std::size_t taken = std::min(capacity_ - std::min(capacity_, socket_->inbox_.size()), part_of(under_way_.size()));
  socket_->inbox_.append(under_way_, 0, taken);
  under_way_.erase(0, taken);
  if (under_way_.empty() && std::exchange(end_under_way_, false)) socket_->at_end_ = true;
  socket_->changed();
  if (!under_way_.empty() && taken > 0) arrive_later();
}

void Link::fail_daemon(int error) {
  if (socket_ == nullptr) return;
  kernel_.trace.note("link {} fails: {}", number_, error);
  kernel_.coverage.count("connection", strerrorname_np(error));
  socket_->lost_bytes_ = outbox_.size() + (end_queued_ ? 1 : 0);
  outbox_.clear();
  end_queued_ = false;
  socket_->fail(error);
}

void Link::close_daemon_end(bool unread) {
  socket_ = nullptr;
  mishaps_.was_killed = mishaps_.was_killed || kernel_.killing;
  if (unread || dead_) return reset_peer();
  end_queued_ = true;
  carry_later();
  if (!under_way_.empty()) arrive_later();
}

// --- Towards the peer -----------------------------------------------------------------------------------------------

// A pair of Unix sockets has one buffer for each direction: the receiver's.
std::size_t Link::room() const {
  const std::size_t used = outbox_.size() + (kind_ == Kind::kUnix ? peer_inbox_.size() : 0);
  return capacity_ - std::min(capacity_, used);
}

void Link::carry_later() {
  if (std::exchange(carrying_, true)) return;
  kernel_.scheduler.after_ns(latency_ns(), [link = shared_from_this()] { link->carry(); });
}

void Link::carry() {
  carrying_ = false;
  if (dead_) return watch_progress();
  if (peer_closed_) {
    const bool answered = !outbox_.empty();
    if (answered) fail_daemon(socket_ != nullptr && socket_->at_end_ ? EPIPE : ECONNRESET);
    outbox_.clear();
    end_queued_ = false;
    return tell_peer_if_over();
  }
  const std::size_t room_before = room();
  const std::size_t taken = std::min(capacity_ - std::min(capacity_, peer_inbox_.size()), part_of(outbox_.size()));
  peer_inbox_.append(outbox_, 0, taken);
  outbox_.erase(0, taken);
  if (outbox_.empty() && std::exchange(end_queued_, false)) end_arrived_ = true;
  if (taken > 0) progress_ns_ = kernel_.scheduler.now_ns();
  hand_to_peer();
  if (room() > room_before && socket_ != nullptr) socket_->changed();
  if (!outbox_.empty() && peer_inbox_.size() < capacity_) {
    carry_later();
  } else if (!outbox_.empty()) {
    watch_progress();
  }
}

void Link::hand_to_peer() {
  if (!peer_reading_ || peer_closed_ || peer_told_) return;
  if (!peer_inbox_.empty()) {
    const std::string bytes = std::exchange(peer_inbox_, {});
    peer_.on_bytes(bytes);
  }
  if (peer_reading_ && !peer_closed_ && end_arrived_ && peer_inbox_.empty() && !std::exchange(peer_at_end_, true)) {
    peer_.on_end_of_file();
  }
  tell_peer_if_over();
}

// What has reached the peer's kernel is still read, as on Linux.
void Link::reset_peer() {
  under_way_.clear();
  outbox_.clear();
  end_queued_ = false;  // an end of file behind bytes that are lost would hide that
  if (peer_told_) return;
  kernel_.scheduler.after_ns(latency_ns(), [link = shared_from_this()] {
    link->hand_to_peer();
    link->tell_peer_closed(!link->peer_closed_);
  });
}

void Link::tell_peer_if_over() {
  if (peer_closed_ && (socket_ == nullptr || reset_under_way_)) tell_peer_closed(false);
}

void Link::tell_peer_closed(bool reset) {
  if (std::exchange(peer_told_, true)) return;
  peer_closed_ = true;
  kernel_.trace.note("link {} is over{}", number_, reset ? ", reset" : "");
  peer_.on_closed(reset);
  owned_.reset();
  kernel_.links.erase(number_);
}

void Link::watch_progress() {
  if (socket_ == nullptr || outbox_.empty() || socket_->user_timeout_ms_ == 0) return;
  if (std::exchange(progress_watched_, true)) return;
  const std::int64_t due = std::max(progress_ns_ + socket_->user_timeout_ms_ * kMs, kernel_.scheduler.now_ns());
  kernel_.scheduler.after_ns(due - kernel_.scheduler.now_ns(), [link = shared_from_this()] {
    link->progress_watched_ = false;
    if (link->socket_ == nullptr || link->outbox_.empty()) return;
    const std::int64_t silent = link->kernel_.scheduler.now_ns() - link->progress_ns_;
    if (silent < link->socket_->user_timeout_ms_ * kMs) return link->watch_progress();
    link->dead_ = true;
    link->fail_daemon(ETIMEDOUT);
  });
}

// --- The daemon's end -----------------------------------------------------------------------------------------------

StreamSocket::~StreamSocket() {
  if (link_) link_->close_daemon_end(!inbox_.empty() || state_ == State::kBroken);
}

void StreamSocket::note_dropped() {
  if (link_) link_->mishaps_.was_dropped = true;
}

void StreamSocket::note_killed() {
  if (link_) link_->mishaps_.was_killed = true;
}

short StreamSocket::events() const {
  if (state_ == State::kConnecting) return 0;
  int events = 0;
  if (!inbox_.empty()) events |= POLLIN;
  if (at_end_) events |= POLLIN | POLLRDHUP;
  if (error_ != 0) events |= POLLERR;
  if (state_ != State::kConnected || (at_end_ && shut_)) events |= POLLHUP;
  const bool gone = state_ != State::kConnected || shut_;
  if (gone || link_->room() * 3 >= link_->capacity_) events |= POLLOUT;
  if (family_ == AF_UNIX && link_ && link_->peer_closed_) events |= POLLHUP | POLLIN | POLLRDHUP;
  return static_cast<short>(events);
}

std::int64_t StreamSocket::send(std::span<const char> bytes) {
  if (state_ == State::kConnecting) return -EAGAIN;
  if (error_ != 0) return -take_error();
  if (state_ != State::kConnected || shut_) return -EPIPE;
  if (family_ == AF_UNIX && link_->peer_closed_) return -EPIPE;
  if (kernel_.faults.full_socket.strikes(kernel_.random)) return -EAGAIN;
  std::size_t taken = std::min(link_->room(), bytes.size());
  if (taken == 0) return -EAGAIN;
  if (taken > 1 && kernel_.faults.short_send.strikes(kernel_.random)) taken = kernel_.random.between(1, taken - 1);
  if (link_->outbox_.empty()) link_->progress_ns_ = kernel_.scheduler.now_ns();
  link_->outbox_.append(bytes.data(), taken);
  link_->carry_later();
  return static_cast<std::int64_t>(taken);
}

std::int64_t StreamSocket::receive(std::span<char> room) {
  if (state_ == State::kConnecting) return -EAGAIN;
  if (inbox_.empty()) {
    if (error_ != 0) return -take_error();
    if (at_end_ || state_ == State::kBroken) return 0;
    return state_ == State::kNew ? -ENOTCONN : -EAGAIN;
  }
  const std::size_t taken = std::min(room.size(), inbox_.size());
  std::memcpy(room.data(), inbox_.data(), taken);
  inbox_.erase(0, taken);
  if (link_ && (!link_->under_way_.empty() || link_->end_under_way_)) link_->arrive_later();
  return static_cast<std::int64_t>(taken);
}

std::int64_t StreamSocket::shutdown(int how) {
  if (state_ != State::kConnected) return -ENOTCONN;
  if (how != SHUT_RD && !std::exchange(shut_, true)) {
    link_->end_queued_ = true;
    link_->carry_later();
  }
  if (how != SHUT_WR) at_end_ = true;
  changed();
  return 0;
}

std::int64_t StreamSocket::unacknowledged() {
  if (state_ == State::kBroken) return static_cast<std::int64_t>(lost_bytes_);
  if (!link_) return 0;
  if (family_ == AF_UNIX) return static_cast<std::int64_t>(link_->outbox_.size() + link_->peer_inbox_.size());
  return static_cast<std::int64_t>(link_->outbox_.size() + (link_->end_queued_ ? 1 : 0));
}

void StreamSocket::fail(int error) {
  state_ = State::kBroken;
  error_ = error;
  at_end_ = true;
  changed();
}

// --- Connecting -----------------------------------------------------------------------------------------------------

std::int64_t StreamSocket::connect(const sockaddr& address, socklen_t length) {
  if (state_ == State::kConnected) return -EISCONN;
  if (state_ == State::kConnecting) return -EALREADY;
  const std::string server = address_text(address, length);
  if (family_ == AF_UNIX) {
    const Kernel::Accept* const accept = kernel_.server_at(server);
    if (accept == nullptr) return -ENOENT;
    std::unique_ptr<Peer> peer = (*accept)();
    if (!peer) return -ECONNREFUSED;
    Peer& borrowed = *peer;
    Link::open(kernel_, Link::Kind::kUnix, *this, borrowed, std::move(peer));
    return 0;
  }
  state_ = State::kConnecting;
  const std::int64_t delay = 2 * draw_latency(kernel_, Link::Kind::kTcp);
  kernel_.scheduler.after_ns(delay, [this, server, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) establish(server);
  });
  return -EINPROGRESS;
}

void StreamSocket::establish(const std::string& address) {
  if (kernel_.faults.refused_connect.strikes(kernel_.random)) {
    if (kernel_.random.one_in(3)) return;  // nothing comes back, and the owner's patience ends first
    return fail(kernel_.random.pick({ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, ECONNRESET}));
  }
  const Kernel::Accept* const accept = kernel_.server_at(address);
  std::unique_ptr<Peer> peer = accept == nullptr ? nullptr : (*accept)();
  if (!peer) return fail(ECONNREFUSED);
  Peer& borrowed = *peer;
  Link::open(kernel_, Link::Kind::kTcp, *this, borrowed, std::move(peer));
  changed();
}

std::int64_t StreamSocket::connected() {
  if (state_ == State::kConnecting) return -EINPROGRESS;
  return state_ == State::kConnected ? 0 : -take_error();
}

// --- Options --------------------------------------------------------------------------------------------------------

std::int64_t StreamSocket::set_option(int level, int option, const void* value, socklen_t length) {
  if (level != IPPROTO_TCP) return 0;
  if (family_ == AF_UNIX) return -EOPNOTSUPP;
  if (option == TCP_USER_TIMEOUT && length == sizeof(unsigned)) {
    unsigned timeout_ms = 0;
    std::memcpy(&timeout_ms, value, sizeof timeout_ms);
    user_timeout_ms_ = timeout_ms;
  }
  return 0;
}

std::int64_t StreamSocket::option(int level, int option, void* value, socklen_t& length) {
  if (level != SOL_SOCKET || length < sizeof(int)) return -ENOPROTOOPT;
  int answer = 0;
  if (option == SO_TYPE) answer = SOCK_STREAM;
  if (option == SO_ERROR) answer = take_error();
  if (option == SO_DOMAIN) answer = family_;
  std::memcpy(value, &answer, sizeof answer);
  length = sizeof answer;
  return 0;
}

}  // namespace streaming::simulation
