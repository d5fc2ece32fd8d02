// SPDX-License-Identifier: Apache-2.0
// AddressRace: opens a TCP connection to the first of a host's addresses that answers (RFC 8305): the next one is tried
// when those before have failed, or have not answered for kAddressStagger.
//
// A member of its ByteStream, on the worker's thread. Its attempts are slots of the worker's ConnectAttempts: the
// kernel may have them longer than the race lasts.

#pragma once

#include <string>
#include <string_view>

#include "base/intrusive_list.h"
#include "base/slab.h"
#include "base/unique_fd.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"
#include "upstream/resolver.h"

namespace streaming {

class AddressRace;

// One connect, from its submission to its completion.
struct ConnectAttempt : ListNode {
  ConnectAttempt(Handle new_handle, AddressRace& new_race, UniqueFd new_socket, const Address& new_address)
      : handle(new_handle), race(&new_race), socket(std::move(new_socket)), address(new_address) {}

  Tag tag() const { return Tag{Operation::kUpstreamConnect, handle}; }

  const Handle handle;
  AddressRace* race;  // null: it is over
  UniqueFd socket;
  const Address address;
};

// All of a worker's; the Http2Client's, which routes completions here.
class ConnectAttempts {
 public:
  // Borrows both.
  ConnectAttempts(Ring& ring, TimerWheel& timers);

  void on_connected(const Completion& completion);

 private:
  friend class AddressRace;

  Ring& ring_;
  TimerWheel& timers_;
  Slab<ConnectAttempt> attempts_;
};

class AddressRaceOwner {
 public:
  // One of the two, once, and not from within start().
  virtual void on_connected(UniqueFd socket) = 0;
  virtual void on_not_connected(const std::string& error) = 0;

 protected:
  ~AddressRaceOwner() = default;
};

class AddressRace final : private TimerOwner, private WorkOwner {
 public:
  // Borrows both.
  AddressRace(AddressRaceOwner& owner, ConnectAttempts& attempts);
  ~AddressRace() { stop(); }

  // At least one address. `server`: what errors call it, which outlives the race.
  void start(AddressList addresses, std::string_view server);
  // The owner is not called again.
  void stop();

 private:
  friend class ConnectAttempts;

  void on_timer(Timer&) override { go_on(); }
  void on_work(Work&) override { go_on(); }
  void on_result(UniqueFd socket, std::int32_t result);
  void try_next();
  // Tries the next address; without one, and without an attempt that goes on, reports the failure.
  void go_on();

  AddressRaceOwner& owner_;
  ConnectAttempts& attempts_;
  AddressList addresses_;  // those that have not been tried, the next one last
  IntrusiveList<ConnectAttempt> under_way_;
  Timer stagger_;
  Work no_socket_;     // goes on after a failure within start()
  std::string_view server_;
  std::string error_;  // the last attempt's
};

}  // namespace streaming
