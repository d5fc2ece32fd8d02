// SPDX-License-Identifier: Apache-2.0
#include "upstream/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/un.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/time.h>

#include <algorithm>
#include <utility>

#include "upstream/limits.h"

namespace streaming {
namespace {

constexpr char kResolvConf[] = "/etc/resolv.conf";

// An address of the one family, then one of the other, so that a family that leads nowhere costs one try (RFC 8305, 4).
void alternate_families(AddressList& addresses) {
  if (addresses.empty()) return;
  const int first = addresses.front().family();
  AddressList others;
  std::erase_if(addresses, [&](const Address& address) {
    if (address.family() != first) others.push_back(address);
    return address.family() != first;
  });
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::size_t at = std::min(2 * i + 1, addresses.size());
    addresses.insert(addresses.begin() + static_cast<std::ptrdiff_t>(at), others[i]);
  }
}

Address address_of(const sockaddr& generic, socklen_t length) {
  Address address;
  std::copy_n(reinterpret_cast<const char*>(&generic), length, reinterpret_cast<char*>(&address.storage));
  address.length = length;
  return address;
}

// What the answer's nodes are good for, in seconds.
int least_ttl(const ares_addrinfo& found) {
  int least = static_cast<int>(std::chrono::duration_cast<std::chrono::seconds>(kResolvedForTime).count());
  for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
    least = std::min(least, node->ai_ttl);
  }
  return least;
}

AddressList addresses_of(const ares_addrinfo& found) {
  AddressList addresses;
  for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
    addresses.push_back(address_of(*node->ai_addr, node->ai_addrlen));
  }
  alternate_families(addresses);
  if (addresses.size() > kMaxAddresses) addresses.resize(kMaxAddresses);
  return addresses;
}

bool same_file(const struct stat& left, const struct stat& right) {
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino && left.st_size == right.st_size &&
         left.st_mtim.tv_sec == right.st_mtim.tv_sec && left.st_mtim.tv_nsec == right.st_mtim.tv_nsec;
}

struct stat status_of(const char* path) {
  struct stat status {};
  if (::stat(path, &status) != 0) return {};
  return status;
}

}  // namespace

// --- Addresses ------------------------------------------------------------------------------------------------------

void Address::set_port(std::uint16_t port) {
  if (family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(storage).sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in&>(storage).sin_port = htons(port);
  }
}

std::string Address::text() const {
  char text[INET6_ADDRSTRLEN] = "";
  const void* bytes = family() == AF_INET6
                          ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr)
                          : &reinterpret_cast<const sockaddr_in&>(storage).sin_addr;
  inet_ntop(family(), bytes, text, sizeof text);
  return text;
}

Result<Address> literal_address(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST;  // it asks nobody
  addrinfo* found = nullptr;
  const int result = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (result != 0) return Error{gai_strerror(result)};
  const Address address = address_of(*found->ai_addr, found->ai_addrlen);
  freeaddrinfo(found);
  return address;
}

Address unix_address(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  path.copy(name.sun_path, sizeof name.sun_path - 1);
  Address address;
  std::memcpy(&address.storage, &name, sizeof name);
  address.length = sizeof name;
  return address;
}

// --- Names ----------------------------------------------------------------------------------------------------------

// A name that somebody has asked for. It is in one of the resolver's lists while its answer is to be handed out, or it is
// to be asked for again.
struct Resolver::Name final : ListNode, private TimerOwner {
  Name(Resolver& new_resolver, std::string new_host)
      : resolver(new_resolver), host(std::move(new_host)), patience(*this) {}

  bool of_use_to_nobody() const { return askers.empty() && !in_flight && !linked(); }
  void set(Result<AddressList> found, Duration time) {
    addresses = std::move(found);
    expiry = resolver.timers_.now() + time;
    patience.stop();
  }

  Resolver& resolver;
  const std::string host;
  IntrusiveList<AddressAsker> askers;
  Result<AddressList> addresses = Error{""};
  Time expiry{};
  bool in_flight = false;  // c-ares has it
  Timer patience;          // of those who ask

 private:
  void on_timer(Timer&) override {
    set(Error{"the address of the upstream is not found in time"}, kUnresolvedForTime);
    if (!linked()) resolver.answered_.push_back(*this);
    resolver.hand_out();
  }
};

Status Resolver::start_library() {
  const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status == ARES_SUCCESS ? success() : Status(Error{std::string("cannot initialise c-ares: ") + ares_strerror(status)});
}

Resolver::Resolver(SocketWatches& watches, TimerWheel& timers, std::string servers)
    : watches_(watches), timers_(timers), servers_(std::move(servers)), retransmission_(*this) {
}

Resolver::~Resolver() {
  if (channel_ != nullptr) ares_destroy(channel_);
}

void Resolver::ask(const std::string& host, AddressAsker& asker) {
  auto found = names_.find(host);
  if (found == names_.end()) {
    if (Result<Address> literal = literal_address(host)) return asker.on_addresses(AddressList{*literal});
    if (!make_room()) return asker.on_addresses(Error{"too many names of upstreams are being looked up"});
    found = names_.try_emplace(host, *this, host).first;
  }
  Name& name = found->second;
  if (timers_.now() < name.expiry) return asker.on_addresses(Result<AddressList>(name.addresses));
  name.askers.push_back(asker);
  if (!name.patience.pending()) timers_.schedule(name.patience, kUpstreamConnectTimeout);
  if (name.in_flight || name.linked()) return;
  reopen_if_changed();
  look_up(name);
  hand_out();
}

void Resolver::forget(const std::string& host) {
  if (const auto found = names_.find(host); found != names_.end()) found->second.expiry = Time{};
}

bool Resolver::make_room() {
  if (names_.size() < kMaxKnownNames) return true;
  return std::erase_if(names_, [](const auto& entry) { return entry.second.of_use_to_nobody(); }) > 0;
}

void Resolver::look_up(Name& name) {
  if (channel_ == nullptr) {
    name.set(Error{channel_error_}, kUnresolvedForTime);
    return answered_.push_back(name);
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  name.in_flight = true;
  ares_getaddrinfo(channel_, name.host.c_str(), nullptr, &hints, &Resolver::on_answer, &name);
}

void Resolver::on_answer(void* asked, int status, int, ares_addrinfo* found) {
  Name& name = *static_cast<Name*>(asked);
  name.in_flight = false;
  if (status == ARES_EDESTRUCTION) return name.resolver.abandoned_.push_back(name);
  if (status == ARES_SUCCESS && found != nullptr && found->nodes != nullptr) {
    const Duration time = std::chrono::seconds(least_ttl(*found));
    name.set(addresses_of(*found), std::max(time, kUnresolvedForTime));
  } else {
    name.set(Error{std::string("cannot find the address of the upstream: ") + ares_strerror(status)},
             kUnresolvedForTime);
  }
  if (found != nullptr) ares_freeaddrinfo(found);
  if (!name.linked()) name.resolver.answered_.push_back(name);
}

// Who is told may ask again, and so make room among the names.
void Resolver::hand_out() {
  while (Name* name = answered_.pop_front()) {
    IntrusiveList<AddressAsker> askers;
    askers.splice_back(name->askers);
    const Result<AddressList> addresses = name->addresses;
    while (AddressAsker* asker = askers.pop_front()) asker->on_addresses(addresses);
  }
  if (channel_ == nullptr) return retransmission_.stop();
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) return retransmission_.stop();
  const auto time = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  timers_.schedule(retransmission_, std::chrono::ceil<Duration>(time));
}

// --- The channel ----------------------------------------------------------------------------------------------------

void Resolver::open_channel() {
  ares_options options{};
  options.timeout = static_cast<int>(kNameServerTimeout.count());
  options.tries = kNameServerTries;
  options.sock_state_cb = &Resolver::on_socket_state;
  options.sock_state_cb_data = this;
  resolv_conf_ = status_of(kResolvConf);
  int status =
      ares_init_options(&channel_, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (status == ARES_SUCCESS && !servers_.empty()) status = ares_set_servers_ports_csv(channel_, servers_.c_str());
  if (status == ARES_SUCCESS) return;
  channel_error_ = std::string("cannot look for the address of the upstream: ") + ares_strerror(status);
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
}

// As the C library does. What was asked of the servers before is asked of those that are there now.
void Resolver::reopen_if_changed() {
  if (channel_ != nullptr && (!servers_.empty() || same_file(resolv_conf_, status_of(kResolvConf)))) return;
  if (channel_ != nullptr) ares_destroy(std::exchange(channel_, nullptr));
  open_channel();
  while (Name* name = abandoned_.pop_front()) look_up(*name);
}

void Resolver::on_socket_state(void* resolver, ares_socket_t fd, int readable, int writable) {
  auto& self = *static_cast<Resolver*>(resolver);
  SocketWatches::Watch*& watch = self.sockets_[fd];
  if (readable == 0 && writable == 0) {
    if (watch != nullptr) self.watches_.forget(*watch);
    self.sockets_.erase(fd);
    return;
  }
  if (watch == nullptr) watch = &self.watches_.add(fd, self);
  self.watches_.want(*watch, static_cast<short>((readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0)));
}

void Resolver::on_socket_ready(int fd, short events) {
  const bool failed = (events & (POLLERR | POLLHUP)) != 0;
  process((events & POLLIN) != 0 || failed ? fd : ARES_SOCKET_BAD, (events & POLLOUT) != 0 ? fd : ARES_SOCKET_BAD);
}

void Resolver::on_timer(Timer&) {
  process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void Resolver::process(ares_socket_t readable, ares_socket_t writable) {
  ares_process_fd(channel_, readable, writable);
  hand_out();
}

}  // namespace streaming
