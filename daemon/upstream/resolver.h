// SPDX-License-Identifier: Apache-2.0
// Resolver: addresses of hosts' names, asked by c-ares over the worker's ring: no thread, and no name waits for another.
//
// One per worker, on its thread; both HTTP engines ask it. It looks into /etc/hosts and asks the name servers of
// /etc/resolv.conf, as /etc/nsswitch.conf orders the two. A name is asked for once, whoever waits, and its answer kept for
// a while.

#pragma once

#include <ares.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/intrusive_list.h"
#include "base/result.h"
#include "ring/timer_wheel.h"
#include "upstream/socket_watches.h"

namespace streaming {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr& generic() const { return reinterpret_cast<const sockaddr&>(storage); }
  int family() const { return storage.ss_family; }
  void set_port(std::uint16_t port);
  // Without the port; IPv6 without brackets.
  std::string text() const;
};
using AddressList = std::vector<Address>;

// Who asks; withdraws the question by unlinking itself.
class AddressAsker : public ListNode {
 public:
  // The addresses in the order in which they are to be tried, at least one, without a port.
  virtual void on_addresses(const Result<AddressList>& found) = 0;

 protected:
  ~AddressAsker() = default;
};

// The address that `host` is itself, without brackets; an Error where it is a name.
Result<Address> literal_address(const std::string& host);
// A Unix socket's. What is too long of the path is cut off.
Address unix_address(const std::string& path);

class Resolver final : private TimerOwner, private SocketOwner {
 public:
  // Once per process, before the first thread.
  static Status start_library();

  // Borrows both. `servers` ("ADDRESS:PORT,...") are asked in place of those of /etc/resolv.conf, unless it is empty.
  Resolver(SocketWatches& watches, TimerWheel& timers, std::string servers = {});
  // All who asked are gone.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // Answers by on_addresses(), within kUpstreamConnectTimeout; from within where the answer is known.
  void ask(const std::string& host, AddressAsker& asker);
  // They led nowhere: asks anew the next time.
  void forget(const std::string& host);

 private:
  struct Name;

  static void on_socket_state(void* resolver, ares_socket_t fd, int readable, int writable);
  static void on_answer(void* name, int status, int timeouts, ares_addrinfo* found);

  void on_timer(Timer& timer) override;
  void on_socket_ready(int fd, short events) override;
  void process(ares_socket_t readable, ares_socket_t writable);
  void open_channel();
  void reopen_if_changed();
  bool make_room();
  void look_up(Name& name);
  void hand_out();

  SocketWatches& watches_;
  TimerWheel& timers_;
  const std::string servers_;
  ares_channel channel_ = nullptr;  // null: c-ares could not be started, for the reason that is in channel_error_
  std::string channel_error_;
  struct stat resolv_conf_{};  // as it was when the channel was opened
  Timer retransmission_;       // c-ares's
  std::map<ares_socket_t, SocketWatches::Watch*> sockets_;
  std::map<std::string, Name, std::less<>> names_;
  IntrusiveList<Name> answered_;   // to be handed out: never from within c-ares's callbacks
  IntrusiveList<Name> abandoned_;  // by the channel that was closed
};

}  // namespace streaming
