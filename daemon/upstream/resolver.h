// Resolver: addresses of a host's name, found by a thread of its own, since getaddrinfo() waits.
//
// One per worker, on its thread; the finding thread starts with the first name that is not an address. It cannot be
// interrupted, so it outlives a Resolver that goes meanwhile, and shares nothing with it but the queue.

#pragma once

#include <sys/socket.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/intrusive_list.h"
#include "base/result.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"

namespace streaming {

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr& generic() const { return reinterpret_cast<const sockaddr&>(storage); }
  int family() const { return storage.ss_family; }
};
using AddressList = std::vector<Address>;

// Who asks; withdraws the question by unlinking itself.
class AddressAsker : public ListNode {
 public:
  // The addresses in the order in which they are to be tried, at least one.
  virtual void on_addresses(const Result<AddressList>& found) = 0;

 protected:
  ~AddressAsker() = default;
};

class Resolver {
 public:
  Resolver(Ring& ring, TimerWheel& timers);
  ~Resolver();

  // Answers by on_addresses(), from within where the answer is known.
  void ask(const std::string& host, std::uint16_t port, AddressAsker& asker);
  // They led nowhere: asks anew the next time.
  void forget(const std::string& host, std::uint16_t port);

  void on_found();

 private:
  struct Queue;
  struct Name {
    IntrusiveList<AddressAsker> askers;
    Result<AddressList> addresses = Error{""};
    bool being_found = false;
    Time expiry{};
  };

  void start_thread();
  void watch();
  static void find_names(std::shared_ptr<Queue> queue);

  Ring& ring_;
  TimerWheel& timers_;
  std::map<std::pair<std::string, std::uint16_t>, Name> names_;
  std::shared_ptr<Queue> queue_;  // null before the thread; shared with it, which may outlive the resolver
};

}  // namespace streaming
