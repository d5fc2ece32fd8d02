// SPDX-License-Identifier: Apache-2.0
// Server: the daemon as a whole. Has the workers made and started, listens to signals, ends them, sums up.
//
// Lives in main(), on the main thread, which does nothing else.

#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "config/config_changes.h"
#include "handoff/listening_socket.h"
#include "server/daemon_status.h"
#include "server/service_manager.h"
#include "server/status_server.h"
#include "server/successor.h"
#include "server/workforce.h"

namespace streaming {

// How the daemon was started, and can be again.
struct Startup {
  Invocation invocation;
  std::function<Result<Config>()> read_config;  // as at start
};

class Server {
 public:
  // Lets the signals that run() handles wait for it: during the start they would kill the process, or be lost on one
  // that is process 1 of its container. First of all, because threads inherit it.
  static void hold_signals();

  // Everything that can fail at start-up, the socket last. `config` has passed check_config(), the signals are held.
  static Result<std::unique_ptr<Server>> create(const Config& config, const Startup& startup);
  ~Server();

  // Serves until a signal ends it. SIGTERM or SIGINT drains, a second one ends at once; SIGHUP reads the settings
  // again; SIGUSR2 starts a successor, and drains once that serves. Returns the exit status: 0 when no stream was cut.
  int run();

 private:
  Server(const Config& config, const Startup& startup);

  Status set_up();
  Status listen();

  void wait();
  void handle_signal();
  void handle_end_signal(int number);
  void end();
  void handle_worker_event();
  void handle_deadline();
  void handle_watchdog();
  void start_status_server();
  void reload();
  void take(const ConfigChanges& changes);
  void upgrade();
  void handle_successor();
  // Streams have until `deadline` to end.
  void begin_drain(Time deadline);
  Time next_due() const { return std::min({deadline_, watchdog_due_, status_server_due_}); }
  // Ends the process without waiting for anybody.
  [[noreturn]] void quit(const char* reason) const;

  std::shared_ptr<const Config> config_;
  const Startup startup_;
  const Time started_ = MonotonicClock::now();
  UniqueFd signals_;
  ListeningSocket socket_;   // its descriptor is to be passed on; the first worker has a copy
  bool owns_socket_ = true;  // its file is ours to remove
  UniqueFd predecessor_;     // waits to hear that we serve
  std::optional<Successor> successor_;
  Workforce workforce_;
  std::optional<DaemonStatus> status_;
  std::unique_ptr<StatusServer> status_server_;
  Time status_server_due_ = Time::max();  // the next attempt to start it
  bool status_server_failed_ = false;
  WorkerOrder order_ = WorkerOrder::kServe;
  bool ending_ = false;          // a signal, or a worker's failure, has said so
  Time deadline_ = Time::max();  // for carrying the order out; of a successor that has not said that it serves
  std::optional<Duration> watchdog_interval_;
  Time watchdog_due_ = Time::max();
};

}  // namespace streaming
