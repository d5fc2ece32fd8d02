// SPDX-License-Identifier: Apache-2.0
#include "upstream/connection_pool.h"

#include <algorithm>
#include <utility>

#include "upstream/limits.h"

namespace streaming {

ConnectionPool::ConnectionPool(Origin& origin, ConnectionEnvironment& environment, Http1Client& http1)
    : origin_(origin),
      environment_(environment),
      http1_(http1),
      gate_("upstream " + origin_.host + ":" + std::to_string(origin_.port), kMaxReopenPause),
      open_more_(*this),
      gate_opens_(*this) {
}

// --- Requests -------------------------------------------------------------------------------------------------------

std::unique_ptr<HttpTransfer> ConnectionPool::start(HttpRequest request, HttpReceiver& receiver) {
  if (environment_.transport.timers.now() < http1_until_) return http1_.start(std::move(request), receiver);
  auto stream = std::make_unique<Http2Stream>(std::move(request), receiver, *this, environment_.transport.timers);
  if (waiting_count_ >= kMaxWaitingRequests) {
    stream->fail_soon("too many requests wait for the upstream");
  } else if (is_hopeless()) {
    stream->fail_soon(gate_.error());
  } else {
    give_to_connection(*stream);
  }
  return stream;
}

void ConnectionPool::give_to_connection(Http2Stream& stream) {
  Http2Connection* connection = waiting_count_ == 0 ? with_room_.front() : nullptr;
  if (connection == nullptr) return wait(stream);
  connection->start(stream);
  on_room_changed(*connection);
}

void ConnectionPool::wait(Http2Stream& stream) {
  waiting_.push_back(stream);
  ++waiting_count_;
  stream.set_waiting(true);
  open_more_later();
}

Http2Stream& ConnectionPool::take_waiting() {
  Http2Stream* stream = waiting_.pop_front();
  CHECK(stream != nullptr);
  on_left(*stream);
  return *stream;
}

void ConnectionPool::on_left(Http2Stream& stream) {
  CHECK(waiting_count_ > 0);
  --waiting_count_;
  stream.set_waiting(false);
}

void ConnectionPool::fail_waiting(std::string_view error) {
  // Only those that wait now, because a receiver may start another request.
  for (std::uint32_t left = waiting_count_; left > 0 && waiting_count_ > 0; --left) take_waiting().on_closed(error);
}

void ConnectionPool::on_refused(Http2Stream& stream, bool counts) {
  if (counts && stream.count_refusal() >= kMaxRequestRefusals) {
    return stream.on_closed("the upstream refuses the request unread");
  }
  if (is_hopeless()) return stream.on_closed(gate_.error());
  wait(stream);
}

// --- Connections ----------------------------------------------------------------------------------------------------

// Enough for all waiting requests, if each carries as many streams as the last one did; a single one, as a trial, while
// the origin is failing.
std::uint32_t ConnectionPool::wanted_connections() const {
  const std::uint32_t wanted = (waiting_count_ + usual_limit_ - 1) / usual_limit_;
  const std::uint32_t room = kMaxUpstreamConnections - std::min(open_count_ + opening_count_, kMaxUpstreamConnections);
  return std::min({wanted, gate_.failing() ? 1 : kMaxOpeningConnections, opening_count_ + room});
}

// Whether waiting requests would wait too long for a server that has not answered.
bool ConnectionPool::is_hopeless() const {
  const Time patience_ends = environment_.transport.timers.now() + kReopenPatience;
  return open_count_ + opening_count_ == 0 && patience_ends < gate_.opens_at();
}

// Not at once, because the turn may bring more requests, and a connection's call must not create another connection.
void ConnectionPool::open_more_later() {
  environment_.transport.timers.soon(open_more_);
}

void ConnectionPool::open_more() {
  if (asking_ || opening_count_ >= wanted_connections()) return;
  if (environment_.transport.timers.now() < gate_.opens_at()) {
    return environment_.transport.timers.schedule_at(gate_opens_, gate_.opens_at());
  }
  asking_ = true;
  environment_.transport.resolver.ask(origin_.host, *this);
}

void ConnectionPool::on_addresses(const Result<AddressList>& found) {
  CHECK(std::exchange(asking_, false));
  if (!found) return on_failure(ConnectionEnd::kNoAddress, found.error().message);
  AddressList addresses = *found;
  for (Address& address : addresses) address.set_port(origin_.port);
  for (std::uint32_t left = wanted_connections() - std::min(opening_count_, wanted_connections()); left > 0; --left) {
    Http2Connection* connection = environment_.connections.create(*this, origin_, environment_);
    CHECK(connection != nullptr);
    ++opening_count_;
    others_.push_back(*connection);
    connection->open(addresses);
  }
}

void ConnectionPool::count_as(Http2Connection& connection, Http2Connection::Counted counted) {
  using Counted = Http2Connection::Counted;
  const Counted before = std::exchange(connection.counted, counted);
  CHECK(before != Counted::kOpening || opening_count_ > 0);
  CHECK(before != Counted::kOpen || open_count_ > 0);
  CHECK(counted != Counted::kOpening);
  opening_count_ -= before == Counted::kOpening;
  open_count_ -= before == Counted::kOpen;
  open_count_ += counted == Counted::kOpen;
}

void ConnectionPool::on_room_changed(Http2Connection& connection) {
  if (connection.opening() || !connection.linked()) return;
  if (connection.limit() && connection.counted != Http2Connection::Counted::kNone) {
    count_as(connection, Http2Connection::Counted::kOpen);
    if (*connection.limit() > 0) usual_limit_ = *connection.limit();
  }
  while (waiting_count_ > 0 && connection.has_room()) connection.start(take_waiting());
  // It keeps its place while it has room: the first connections fill up, so that the last can be closed when idle.
  if (connection.has_room() != std::exchange(connection.listed_with_room, connection.has_room())) {
    connection.unlink();
    (connection.listed_with_room ? with_room_ : others_).push_back(connection);
  }
  if (waiting_count_ > 0) open_more_later();
}

void ConnectionPool::on_http1(HttpTransport::Stream& stream) {
  gate_.on_answer();
  http1_until_ = environment_.transport.timers.now() + kHttp1ForTime;
  if (waiting_count_ == 0) return;
  if (const Result<Http1Pool*> pool = http1_.pool_for(waiting_.front()->request())) (*pool)->adopt(std::move(stream));
  while (waiting_count_ > 0) take_waiting().start_over_at(http1_);
}

// Waiting requests may succeed on the next connection, because only a server that is about to end announces this.
void ConnectionPool::on_draining(Http2Connection& connection, ConnectionEnd cause, std::string_view reason) {
  count_as(connection, Http2Connection::Counted::kNone);
  if (is_of_no_use(connection, cause)) gate_.on_failure(cause, reason, environment_.transport.timers.now());
  if (is_hopeless()) fail_waiting(reason);
  on_room_changed(connection);
}

void ConnectionPool::on_closing(Http2Connection& connection, ConnectionEnd cause, std::string_view error) {
  connection.unlink();
  count_as(connection, Http2Connection::Counted::kNone);
  if (!is_of_no_use(connection, cause)) return open_more_later();
  if (cause == ConnectionEnd::kUnreachable) environment_.transport.resolver.forget(origin_.host);
  on_failure(cause, error);
}

// True once for each connection at most, so that the gate counts it once.
bool ConnectionPool::is_of_no_use(Http2Connection& connection, ConnectionEnd cause) {
  if (cause == ConnectionEnd::kOnPurpose || connection.of_use()) return false;
  return !std::exchange(connection.blamed, true);
}

void ConnectionPool::on_failure(ConnectionEnd cause, std::string_view error) {
  gate_.on_failure(cause, error, environment_.transport.timers.now());
  // Other connections may still take the waiting requests.
  if (open_count_ + opening_count_ == 0) return fail_waiting(error);
  open_more_later();
}

}  // namespace streaming
