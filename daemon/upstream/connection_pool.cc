#include "upstream/connection_pool.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"

namespace streaming {

ConnectionPool::ConnectionPool(Origin origin, Slab<Http2Connection>& connections, ConnectionWorkshop& workshop,
                               Resolver& resolver, HttpClient& http1)
    : origin_(std::move(origin)),
      connections_(connections),
      workshop_(workshop),
      resolver_(resolver),
      http1_(http1),
      open_more_(*this) {
}

// --- Requests -------------------------------------------------------------------------------------------------------

std::unique_ptr<HttpTransfer> ConnectionPool::start(HttpRequest request, HttpReceiver& receiver) {
  if (workshop_.timers.now() < http1_until_) return http1_.start(std::move(request), receiver);
  auto stream = std::make_unique<Http2Stream>(std::move(request), receiver, room_, workshop_.timers);
  if (waiting_count_ >= kMaxWaitingRequests) {
    stream->fail_soon("too many requests wait for the upstream");
  } else if (Http2Connection* connection = waiting_count_ == 0 ? with_room_.front() : nullptr) {
    connection->start(*stream);
    on_room_changed(*connection);
  } else {
    wait(*stream);
  }
  return stream;
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
  // Those alone that wait now: whoever is told may ask again.
  for (std::uint32_t left = waiting_count_; left > 0 && waiting_count_ > 0; --left) take_waiting().on_closed(error);
}

void ConnectionPool::on_refused(Http2Stream& stream) {
  if (stream.attempts() < kMaxRequestAttempts) return wait(stream);
  stream.on_closed("the upstream refuses the request unread");
}

void ConnectionPool::on_http1_required(Http2Stream& stream) {
  stream.start_over_at(http1_);
}

// --- Connections ----------------------------------------------------------------------------------------------------

// As many as all that waits would fill, of the size that the last one had.
std::uint32_t ConnectionPool::wanted_connections() const {
  const std::uint32_t wanted = (waiting_count_ + usual_limit_ - 1) / usual_limit_;
  const std::uint32_t room = kMaxUpstreamConnections - std::min(open_count_ + opening_count_, kMaxUpstreamConnections);
  return std::min({wanted, kMaxOpeningConnections, opening_count_ + room});
}

// Not at once: the turn may bring more requests, and connections must not be made within calls of one another.
void ConnectionPool::open_more_later() {
  workshop_.timers.schedule(open_more_, Duration(0));
}

void ConnectionPool::on_timer(Timer&) {
  const Time now = workshop_.timers.now();
  if (asking_) {
    if (now < asked_until_) return workshop_.timers.schedule_at(open_more_, asked_until_);
    return on_addresses(Error{"the address of the upstream is not found in time"});
  }
  if (opening_count_ >= wanted_connections()) return;
  if (now < closed_until_) return workshop_.timers.schedule_at(open_more_, closed_until_);
  asking_ = true;
  asked_until_ = now + kUpstreamConnectTimeout;
  workshop_.timers.schedule_at(open_more_, asked_until_);
  resolver_.ask(origin_.host, origin_.port, *this);
}

void ConnectionPool::on_addresses(const Result<AddressList>& found) {
  unlink();
  asking_ = false;
  open_more_.stop();
  if (!found) return fail_waiting(found.error().message);
  for (std::uint32_t left = wanted_connections() - std::min(opening_count_, wanted_connections()); left > 0; --left) {
    Http2Connection* connection = connections_.create(owner_of_connections_, origin_, workshop_);
    CHECK(connection != nullptr);
    ++opening_count_;
    others_.push_back(*connection);
    connection->open(*found);
  }
}

void ConnectionPool::count_as(Http2Connection& connection, Http2Connection::Counted counted) {
  using Counted = Http2Connection::Counted;
  const Counted before = std::exchange(connection.counted, counted);
  opening_count_ -= before == Counted::kOpening;
  open_count_ -= before == Counted::kOpen;
  open_count_ += counted == Counted::kOpen;
}

void ConnectionPool::on_open(Http2Connection& connection) {
  on_room_changed(connection);
}

void ConnectionPool::on_room_changed(Http2Connection& connection) {
  if (connection.opening() || !connection.linked()) return;
  if (connection.limit() && connection.counted != Http2Connection::Counted::kNone) {
    count_as(connection, Http2Connection::Counted::kOpen);
    usual_limit_ = std::max(*connection.limit(), 1u);
  }
  while (waiting_count_ > 0 && connection.has_room()) connection.start(take_waiting());
  // It keeps its place as long as it has room, so that the first are full and the last can be closed.
  if (connection.has_room() != std::exchange(connection.listed_with_room, connection.has_room())) {
    connection.unlink();
    (connection.listed_with_room ? with_room_ : others_).push_back(connection);
  }
  if (waiting_count_ > 0) open_more_later();
}

void ConnectionPool::on_http1(Http2Connection&) {
  http1_until_ = workshop_.timers.now() + kHttp1ForTime;
  while (waiting_count_ > 0) take_waiting().start_over_at(http1_);
}

void ConnectionPool::on_draining(Http2Connection& connection) {
  count_as(connection, Http2Connection::Counted::kNone);
  on_room_changed(connection);
}

void ConnectionPool::on_closing(Http2Connection& connection, std::string_view error) {
  connection.unlink();
  const bool failed_to_open = connection.counted == Http2Connection::Counted::kOpening && !error.empty();
  count_as(connection, Http2Connection::Counted::kNone);
  if (!failed_to_open) return open_more_later();
  resolver_.forget(origin_.host, origin_.port);
  // The others may yet take what waits.
  if (open_count_ + opening_count_ == 0) return fail_waiting(error);
  closed_until_ = workshop_.timers.now() + kReopenPause;
  open_more_later();
}

}  // namespace streaming
