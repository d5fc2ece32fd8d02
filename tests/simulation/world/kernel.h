// SPDX-License-Identifier: Apache-2.0
// Kernel: the simulated kernel's descriptors, its network's addresses, and what all of it draws from. ProcessFiles: a
// process's descriptors.
//
// One per World, on its thread. Descriptors of simulated files have numbers from kFirstDescriptor on; all others are the
// real kernel's. What a daemon, or a library of its, calls on them comes here by the functions of libc.cc.

#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulation/daemon_history.h"
#include "simulation/world/coverage.h"
#include "simulation/world/faults.h"
#include "simulation/world/file.h"
#include "simulation/handoff_peer.h"
#include "simulation/peer.h"
#include "simulation/random.h"
#include "simulation/world/scheduler.h"
#include "simulation/world/trace.h"

namespace streaming::simulation {

inline constexpr int kFirstDescriptor = 1 << 16;

class HandoffLink;
class Link;
class ListeningSocket;
class SimulatedRing;

class ProcessFiles {
 public:
  explicit ProcessFiles(int most) : most_(most) {}

  // The lowest free number, as a kernel assigns it; -EMFILE if there is none.
  int add(std::shared_ptr<File> file);
  // Null if there is none with this number.
  std::shared_ptr<File> find(int fd) const;
  // False if there was none.
  bool close(int fd);
  // The process is killed. close_all() comes next.
  void note_killed();
  // The process has ended.
  void close_all();
  std::size_t size() const { return open_; }
  bool is_full() const { return open_ >= static_cast<std::size_t>(most_); }
  int most() const { return most_; }

 private:
  const int most_;
  std::size_t open_ = 0;
  std::vector<std::shared_ptr<File>> files_;
};

class Kernel {
 public:
  Kernel(Scheduler& scheduler_of_world, Trace& trace_of_world, Coverage& coverage_of_world, const Faults& faults_of_run,
         Random its_random)
      : scheduler(scheduler_of_world),
        trace(trace_of_world),
        coverage(coverage_of_world),
        faults(faults_of_run),
        random(its_random),
        entropy(random.fork()) {}

  // A server at "10.0.0.1:443", "[fd00::1]:443" or at the path of a Unix socket. `accept` makes the peer of each
  // connection; null refuses it.
  using Accept = std::function<std::unique_ptr<Peer>()>;
  void serve(const std::string& address, Accept accept) { servers_[address] = std::move(accept); }
  // Null if nobody listens there.
  const Accept* server_at(const std::string& address) const;

  // The daemons' socket for hand-offs; null: nobody listens.
  void set_handoff_listener(std::weak_ptr<ListeningSocket> listener) { handoff_listener_ = std::move(listener); }
  std::shared_ptr<ListeningSocket> handoff_listener() const { return handoff_listener_.lock(); }
  void hand_over(HandoffPeer& peer);

  std::uint32_t next_number() { return ++numbers_; }

  Scheduler& scheduler;
  Trace& trace;
  Coverage& coverage;
  const Faults& faults;
  Random random;
  Random entropy;
  DaemonHistory history;
  bool killing = false;  // what is closed now was a process's that is killed
  ProcessFiles* process = nullptr;  // whose code runs; null: the world's own
  std::map<int, SimulatedRing*> rings;  // by their numbers
  // Whose peers have not been told of their end.
  std::map<std::uint32_t, std::shared_ptr<Link>> links;
  std::map<std::uint32_t, std::shared_ptr<HandoffLink>> handoffs;

 private:
  std::map<std::string, Accept> servers_;
  std::weak_ptr<ListeningSocket> handoff_listener_;
  std::uint32_t numbers_ = 0;
};

// While it lives, what is called is called by that process.
class AsProcess {
 public:
  AsProcess(Kernel& kernel, ProcessFiles& files) : kernel_(kernel), before_(std::exchange(kernel.process, &files)) {}
  AsProcess(const AsProcess&) = delete;
  AsProcess& operator=(const AsProcess&) = delete;
  ~AsProcess() { kernel_.process = before_; }

 private:
  Kernel& kernel_;
  ProcessFiles* const before_;
};

// Of the world that runs in this process; null: none does.
Kernel*& running_kernel();

// The text by which servers are named.
std::string address_text(const sockaddr& address, socklen_t length);

}  // namespace streaming::simulation
