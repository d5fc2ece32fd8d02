// SPDX-License-Identifier: Apache-2.0
#include "bench/generator.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/clock.h"

namespace streaming::bench {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kRetryAfterNs = kNsPerMs;
// Interval between a slow client's reads.
constexpr std::int64_t kSlowReadIntervalNs = 50 * kNsPerMs;
constexpr std::size_t kBufferBytes = 64 * 1024;
// Few events at once, so that a client whose first byte has arrived does not wait for many others.
constexpr int kEventsAtOnce = 64;
// The one of a client's two descriptors that an epoll event concerns.
constexpr std::uint64_t kConnectionKey = std::uint64_t{1} << 32;

}  // namespace

Generator::Generator(const Options& options, ClientSockets clients, DaemonSocket daemon, std::optional<TlsClients> tls,
                     Tally& tally)
    : options_(&options),
      clients_(std::move(clients)),
      daemon_(std::move(daemon)),
      tls_(std::move(tls)),
      message_((tls_ ? tls_->connection_part() : "") + options.data),
      number_at_(options.data.find(kNumberPlace)),
      tally_(&tally),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(kBufferBytes) {
  if (number_at_ != std::string::npos) number_at_ += message_.size() - options.data.size();
}

Result<Generator> Generator::create(const Options& options, std::uint32_t process, std::int64_t begin_ns,
                                    Tally& tally) {
  Result<ClientSockets> clients = ClientSockets::create(options.client);
  if (!clients) return clients.error();
  Result<DaemonSocket> daemon = DaemonSocket::create(options.socket_path);
  if (!daemon) return daemon.error();
  std::optional<TlsClients> tls;
  if (options.client == ClientKind::kTls) {
    Result<TlsClients> created = TlsClients::create();
    if (!created) return created.error();
    tls = std::move(*created);
  }
  Generator generator(options, std::move(*clients), std::move(*daemon), std::move(tls), tally);
  if (!generator.epoll_) return Error::from_errno("cannot create an epoll", errno);
  generator.first_ = process;
  generator.total_ = share_of(options.connections, options.processes, process);
  if (options.in_flight > 0) {
    generator.in_flight_ = std::max(1u, share_of(options.in_flight, options.processes, process));
  }
  generator.begin_ns_ = begin_ns;
  const std::uint32_t most_open = generator.in_flight_ > 0 ? generator.in_flight_ : generator.total_;
  generator.slots_.reserve(std::min(generator.total_, most_open));
  return generator;
}

// --- The loop -------------------------------------------------------------------------------------------------------

Status Generator::run() {
  std::array<epoll_event, kEventsAtOnce> events;
  const std::int64_t last_start_ns = begin_ns_ + options_->ramp_up.count() + options_->hold.count();
  while (started_ < total_ || open_ > 0) {
    const std::int64_t now = MonotonicClock::now_ns();
    if (now > last_start_ns && rest_waits_for_its_turn()) total_ = started_;
    start_due(now);
    const timespec wait = time_to_next(MonotonicClock::now_ns());
    const int count = epoll_pwait2(epoll_.get(), events.data(), kEventsAtOnce, &wait, nullptr);
    if (count < 0 && errno != EINTR) return Error::from_errno("cannot wait for clients", errno);
    for (int i = 0; i < count; ++i) on_ready(events[i].data.u64, events[i].events);
    expire(MonotonicClock::now_ns());
  }
  return success();
}

// Distributes all processes' streams evenly over the ramp-up, each at a random time within its share. At a fixed pace
// all would meet a server's timers, which tick in whole milliseconds, in the same phase, which would distort the
// result. In a closed loop a stream starts when another ends.
std::int64_t Generator::next_start_ns() const {
  if (in_flight_ > 0) return begin_ns_;
  constexpr double kGoldenRatio = 0.6180339887498949;
  const auto number = static_cast<double>(next_number());
  const double share = std::fmod(number * kGoldenRatio, 1.0);
  return begin_ns_ + static_cast<std::int64_t>(static_cast<double>(options_->ramp_up.count()) * (number + share) /
                                               options_->connections);
}

// Streams that are due only by the ramp-up are started, however late the generator is.
bool Generator::rest_waits_for_its_turn() const {
  return in_flight_ > 0 ? started_ >= in_flight_ : retry_ns_ != 0;
}

bool Generator::may_start() const {
  return started_ < total_ && (in_flight_ == 0 || open_ < in_flight_);
}

// The time until the next start, deadline or slow read.
timespec Generator::time_to_next(std::int64_t now) const {
  constexpr std::int64_t kNsPerS = 1'000'000'000;
  std::int64_t next = now + kNsPerS;
  if (may_start()) next = std::min(next, std::max(next_start_ns(), retry_ns_));
  if (!timeouts_.empty()) next = std::min(next, timeouts_.front().at_ns);
  if (!slow_reads_.empty()) next = std::min(next, slow_reads_.front().at_ns);
  if (!leaves_.empty()) next = std::min(next, leaves_.front().at_ns);
  const std::int64_t wait = std::max<std::int64_t>(0, next - now);
  return timespec{wait / kNsPerS, wait % kNsPerS};
}

// --- Starting -------------------------------------------------------------------------------------------------------

// Starts only a few between two rounds of reading, so that the clients do not wait.
void Generator::start_due(std::int64_t now) {
  constexpr int kStartsAtOnce = 8;
  if (now < retry_ns_) return;
  for (int i = 0; i < kStartsAtOnce && may_start() && now >= next_start_ns(); ++i) {
    if (!start_one(now)) return;
    now = MonotonicClock::now_ns();
  }
}

std::string Generator::next_message() const {
  std::string message = message_;
  if (number_at_ == std::string::npos) return message;
  return message.replace(number_at_, kNumberPlace.size(), std::to_string(next_number() / options_->streams_per_number));
}

bool Generator::start_one(std::int64_t now) {
  Result<ClientPair> pair = clients_.make();
  if (!pair) return give_up(pair.error(), Failure::kConnect, now);
  if (attempt_ns_ == 0) attempt_ns_ = MonotonicClock::now_ns();
  Result<UniqueFd> connection = daemon_.connect();
  if (!connection) return give_up(connection.error(), Failure::kConnect, now);
  if (Status sent = DaemonSocket::hand_off(connection->get(), pair->handed.get(), next_message()); !sent) {
    return give_up(sent.error(), Failure::kSend, now);
  }
  pair->handed.reset();
  adopt(std::move(*pair), std::move(*connection));
  return true;
}

bool Generator::give_up(const Error& error, Failure failure, std::int64_t now) {
  if (attempt_ns_ == 0) attempt_ns_ = now;
  if (DaemonSocket::passes(error) && now - attempt_ns_ < options_->stream_timeout.count()) {
    retry_ns_ = now + kRetryAfterNs;
    return false;
  }
  last_error_ = error.message;
  Client never;
  never.handed_ns = attempt_ns_;
  never.number = started_;
  log_end(never, error.message.c_str());
  attempt_ns_ = retry_ns_ = 0;
  ++started_;
  tally_->started.add();
  tally_->failed(failure).add();
  return true;
}

void Generator::adopt(ClientPair pair, UniqueFd connection) {
  const Slot slot = free_slot();
  Client& client = slots_[slot];
  client.socket = std::move(pair.near);
  if (tls_) client.tls = std::make_unique<TlsRecords>();
  client.handed_ns = MonotonicClock::now_ns();
  client.number = started_;
  tally_->handoff_ns.add(static_cast<std::uint64_t>(client.handed_ns - attempt_ns_));
  attempt_ns_ = retry_ns_ = 0;
  ++started_;
  ++open_;
  tally_->started.add();
  tally_->open.add();
  const std::uint32_t events = EPOLLIN | EPOLLRDHUP | (options_->slow_bytes_per_s > 0 ? EPOLLONESHOT : EPOLLET);
  bool watched = watch(client.socket.get(), events, slot);
  if (options_->wait_ack) {
    client.connection = std::move(connection);
    watched = watched && watch(client.connection.get(), EPOLLIN | EPOLLRDHUP, kConnectionKey | slot);
  }
  if (!watched) return fail(slot, Failure::kReceive, "cannot watch a client");
  timeouts_.push_back({client.handed_ns + options_->stream_timeout.count(), slot, client.number});
  const std::int64_t leave_ns = options_->leave_after.count();
  if (leave_ns > 0) leaves_.push_back({client.handed_ns + leave_ns, slot, client.number});
}

Generator::Slot Generator::free_slot() {
  if (free_.empty()) {
    slots_.emplace_back();
    return static_cast<Slot>(slots_.size() - 1);
  }
  const Slot slot = free_.back();
  free_.pop_back();
  return slot;
}

bool Generator::watch(int fd, std::uint32_t events, std::uint64_t key) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = key;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

// --- Receiving ------------------------------------------------------------------------------------------------------

// New clients get slots only between two rounds, so an event for a client that has ended finds its slot empty.
void Generator::on_ready(std::uint64_t key, std::uint32_t events) {
  const Slot slot = static_cast<Slot>(key);
  if ((key & kConnectionKey) != 0) {
    if (slots_[slot].connection) on_acknowledgement(slot);
  } else if (slots_[slot].socket) {
    on_readable(slot, events);
  }
}

void Generator::on_acknowledgement(Slot slot) {
  Client& client = slots_[slot];
  char message[256];
  const ssize_t count = recv(client.connection.get(), message, sizeof message, 0);
  client.connection.reset();
  if (count > 0 && message[0] == 'A') return;
  if (count > 0) {
    return fail(slot, Failure::kRejected, "refused: " + std::string(message, static_cast<std::size_t>(count)));
  }
  fail(slot, Failure::kRejected, "the daemon closed the hand-off's connection without a reply");
}

void Generator::on_readable(Slot slot, std::uint32_t events) {
  Client& client = slots_[slot];
  if (options_->slow_bytes_per_s > 0) {
    const std::uint64_t quota = options_->slow_bytes_per_s * kSlowReadIntervalNs / 1'000'000'000;
    if (!read_once(slot, std::clamp<std::uint64_t>(quota, 1, buffer_.size()))) return;
    slow_reads_.push_back({MonotonicClock::now_ns() + kSlowReadIntervalNs, slot, client.number});
    return;
  }
  const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  // A stream socket that returned fewer bytes than requested is empty; the next bytes trigger another event.
  const std::uint64_t before = client.bytes;
  if (!read_once(slot, buffer_.size())) return;
  for (std::uint64_t read = client.bytes - before; ending || read == buffer_.size();) {
    const std::uint64_t so_far = client.bytes;
    if (!read_once(slot, buffer_.size())) return;
    read = client.bytes - so_far;
    if (read == 0) return;
  }
}

// False if the stream has ended.
bool Generator::read_once(Slot slot, std::size_t most) {
  Client& client = slots_[slot];
  const ssize_t count = recv(client.socket.get(), buffer_.data(), most, 0);
  if (count > 0) {
    if (!on_bytes(client, static_cast<std::size_t>(count))) {
      fail(slot, Failure::kReceive, "a record cannot be opened");
      return false;
    }
    if (!wants_to_leave(client)) return true;
    complete(slot);
    return false;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (client.left) {
    on_closed(slot);
  } else if (count == 0) {
    on_end_of_answer(slot);
  } else {
    fail(slot, Failure::kReceive, Error::from_errno("cannot receive", errno).message);
  }
  return false;
}

bool Generator::on_bytes(Client& client, std::size_t count) {
  if (!client.read_started) {
    client.read_started = true;
    tally_->ttfb_ns.add(static_cast<std::uint64_t>(MonotonicClock::now_ns() - client.handed_ns));
  }
  const std::uint32_t events = client.reader.events();
  if (!client.tls) {
    client.reader.read({buffer_.data(), count});
  } else if (!tls_->open(*client.tls, {buffer_.data(), count}, client.reader)) {
    return false;
  }
  client.bytes += count;
  tally_->events.add(client.reader.events() - events);
  tally_->bytes.add(static_cast<std::int64_t>(count));
  return true;
}

bool Generator::wants_to_leave(const Client& client) const {
  const AbortAfter& abort_after = options_->abort_after;
  return (abort_after.events > 0 && client.reader.events() >= abort_after.events) ||
         (abort_after.bytes > 0 && client.bytes >= abort_after.bytes);
}

void Generator::on_end_of_answer(Slot slot) {
  const ResponseReader& reader = slots_[slot].reader;
  if (reader.status() == 503) return fail(slot, Failure::kRejected, "refused with 503");
  if (reader.status() == 0) return fail(slot, Failure::kReceive, "closed without an answer");
  if (reader.status() != 200) {
    return fail(slot, Failure::kReceive, "answered with status " + std::to_string(reader.status()));
  }
  if (!reader.done() && !options_->any_end) {
    return fail(slot, Failure::kReceive, "the answer ended without [DONE], which --any-end takes as an end");
  }
  if (const auto& tls = slots_[slot].tls; tls && !tls->closed) {
    return fail(slot, Failure::kReceive, "the answer ended without a close_notify");
  }
  const std::uint32_t expected = options_->expected_events;
  if (reader.events() == 0 || (expected > 0 && reader.events() != expected)) {
    return fail(slot, Failure::kReceive, "the answer had " + std::to_string(reader.events()) + " events");
  }
  complete(slot);
}

// --- Ending ---------------------------------------------------------------------------------------------------------

Generator::Client* Generator::find(const Deadline& deadline) {
  Client& client = slots_[deadline.slot];
  return client.socket && client.number == deadline.number ? &client : nullptr;
}

void Generator::expire(std::int64_t now) {
  for (; !timeouts_.empty() && (timeouts_.front().at_ns <= now || find(timeouts_.front()) == nullptr);
       timeouts_.pop_front()) {
    if (find(timeouts_.front()) == nullptr) continue;
    fail(timeouts_.front().slot, Failure::kTimeout, "the answer took too long");
  }
  for (; !leaves_.empty() && leaves_.front().at_ns <= now; leaves_.pop_front()) leave(leaves_.front());
  for (; !slow_reads_.empty() && slow_reads_.front().at_ns <= now; slow_reads_.pop_front()) {
    const Client* client = find(slow_reads_.front());
    if (client == nullptr) continue;
    epoll_event event{};
    event.events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT;
    event.data.u64 = slow_reads_.front().slot;
    CHECK(epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, client->socket.get(), &event) == 0);
  }
}

// It shuts down only its sending side, so that it notices when the daemon closes. The daemon sees no difference.
void Generator::leave(const Deadline& deadline) {
  Client* client = find(deadline);
  if (client == nullptr) return;
  client->left = true;
  client->handed_ns = MonotonicClock::now_ns();
  shutdown(client->socket.get(), SHUT_WR);
}

void Generator::on_closed(Slot slot) {
  tally_->leave_ns.add(static_cast<std::uint64_t>(MonotonicClock::now_ns() - slots_[slot].handed_ns));
  tally_->completed.add();
  log_end(slots_[slot], "closed by the daemon");
  release(slot);
}

void Generator::complete(Slot slot) {
  tally_->completed.add();
  tally_->duration_ns.add(static_cast<std::uint64_t>(MonotonicClock::now_ns() - slots_[slot].handed_ns));
  log_end(slots_[slot], "completed");
  release(slot);
}

void Generator::log_end(const Client& client, const char* how) const {
  if (!options_->verbose) return;
  const double ms = static_cast<double>(MonotonicClock::now_ns() - client.handed_ns) / 1e6;
  std::fprintf(stderr, "stream %lu: %s after %.3f ms, %u events, %lu bytes\n",
               first_ + std::uint64_t{client.number} * options_->processes, how, ms, client.reader.events(), client.bytes);
}

void Generator::fail(Slot slot, Failure failure, std::string words) {
  last_error_ = std::move(words);
  tally_->failed(failure).add();
  log_end(slots_[slot], last_error_.c_str());
  release(slot);
}

void Generator::release(Slot slot) {
  slots_[slot] = Client{};
  free_.push_back(slot);
  --open_;
  tally_->open.add(-1);
}

}  // namespace streaming::bench
