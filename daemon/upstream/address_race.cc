// SPDX-License-Identifier: Apache-2.0
#include "upstream/address_race.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "upstream/limits.h"

namespace streaming {

ConnectAttempts::ConnectAttempts(Ring& ring, TimerWheel& timers)
    : ring_(ring),
      timers_(timers),
      attempts_(kUnlimited) {  // the pools bound it
}

void ConnectAttempts::on_connected(const Completion& completion) {
  ConnectAttempt* attempt = attempts_.find(completion.tag.slot);
  CHECK(attempt != nullptr);  // it is not freed before
  AddressRace* race = attempt->race;
  UniqueFd socket = std::move(attempt->socket);
  attempts_.destroy(*attempt, completion.tag.slot);
  if (race != nullptr) race->on_result(std::move(socket), completion.result);
}

AddressRace::AddressRace(AddressRaceOwner& owner, ConnectAttempts& attempts)
    : owner_(owner), attempts_(attempts), stagger_(*this), no_socket_(*this) {
}

void AddressRace::start(AddressList addresses, std::string_view server) {
  CHECK(!addresses.empty() && under_way_.empty());
  server_ = server;
  addresses_ = std::move(addresses);
  std::reverse(addresses_.begin(), addresses_.end());
  try_next();
}

void AddressRace::stop() {
  stagger_.stop();
  no_socket_.withdraw();
  addresses_ = AddressList();  // a connection may last for long
  while (ConnectAttempt* attempt = under_way_.pop_front()) {
    attempt->race = nullptr;
    attempts_.ring_.submit_cancel(attempt->tag());
  }
}

void AddressRace::try_next() {
  const Address address = addresses_.back();
  addresses_.pop_back();
  // A blocking socket, because the ring waits for it instead of reporting EAGAIN. No system call is made on it here.
  UniqueFd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket) {
    error_ = Error::from_errno("cannot make a socket for " + std::string(server_), errno).message;
    return attempts_.timers_.soon(no_socket_);
  }
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ConnectAttempt& attempt = *attempts_.attempts_.create(*this, std::move(socket), address);
  under_way_.push_back(attempt);
  attempts_.ring_.submit_connect(RingFile::regular(attempt.socket.get()), attempt.address.generic(),
                                 attempt.address.length, attempt.tag());
  if (!addresses_.empty()) attempts_.timers_.schedule(stagger_, kAddressStagger);
}

void AddressRace::go_on() {
  if (!addresses_.empty()) return try_next();
  if (under_way_.empty()) owner_.on_not_connected(error_);
}

void AddressRace::on_result(UniqueFd socket, std::int32_t result) {
  if (result == 0) {
    stop();
    return owner_.on_connected(std::move(socket));
  }
  error_ = Error::from_errno("cannot connect to " + std::string(server_), -result).message;
  socket.reset();
  go_on();
}

}  // namespace streaming
