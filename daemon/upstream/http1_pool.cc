// SPDX-License-Identifier: Apache-2.0
#include "upstream/http1_pool.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "upstream/limits.h"

namespace streaming {

Http1Pool::Http1Pool(Origin& origin, Http1Environment& environment)
    : origin_(origin), environment_(environment), ask_(*this) {
}

std::unique_ptr<HttpTransfer> Http1Pool::start(HttpRequest request, HttpReceiver& receiver) {
  auto transfer = std::make_unique<Http1Transfer>(std::move(request), receiver, environment_.transport.timers);
  give_connection(*transfer);
  return transfer;
}

void Http1Pool::give_connection(Http1Transfer& transfer) {
  if (!idle_.empty()) {
    Http1Connection& connection = *idle_.back();
    idle_.pop_back();
    return connection.carry(transfer);
  }
  Http1Connection& connection = *environment_.connections.create(*this, origin_, environment_);
  connection.open_for(transfer);
  without_addresses_.push_back(connection);
  environment_.transport.timers.soon(ask_);
}

void Http1Pool::adopt(HttpTransport::Stream stream) {
  environment_.connections.create(*this, origin_, environment_)->take_over(std::move(stream));
}

void Http1Pool::on_work(Work&) {
  if (without_addresses_.empty() || AddressAsker::linked()) return;
  if (!origin_.unix_socket.empty()) return open_waiting(AddressList{unix_address(origin_.unix_socket)});
  environment_.transport.resolver.ask(origin_.host, *this);
}

void Http1Pool::on_addresses(const Result<AddressList>& found) {
  if (!found) return open_waiting(found);
  AddressList addresses = *found;
  for (Address& address : addresses) address.set_port(origin_.port);
  open_waiting(std::move(addresses));
}

void Http1Pool::open_waiting(const Result<AddressList>& found) {
  // Only those that wait now, because a receiver may start another request.
  IntrusiveList<Http1Connection> waiting;
  waiting.splice_back(without_addresses_);
  while (Http1Connection* connection = waiting.pop_front()) {
    if (found) {
      connection->open(*found);
    } else {
      connection->on_not_found(found.error().message);
    }
  }
}

void Http1Pool::on_idle(Http1Connection& connection) {
  if (idle_.size() == kMaxIdleConnections) idle_.front()->leave();
  idle_.push_back(&connection);
}

void Http1Pool::on_not_idle(Http1Connection& connection) {
  const auto found = std::find(idle_.begin(), idle_.end(), &connection);
  CHECK(found != idle_.end());
  idle_.erase(found);
}

}  // namespace streaming
