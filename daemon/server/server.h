// SPDX-License-Identifier: Apache-2.0
// Server: the daemon as a whole. Creates and starts the workers, handles signals, ends the workers and sums up.
//
// Owned by main(), on the main thread, which does nothing else.

#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>

#include "answers/journal_directory.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "config/config_changes.h"
#include "handoff/listening_socket.h"
#include "server/daemon_status.h"
#include "server/journal_keeper.h"
#include "server/service_manager.h"
#include "server/status_server.h"
#include "server/successor.h"
#include "server/successor_channel.h"
#include "server/workforce.h"

namespace streaming {

// How the daemon was started, so that it can be started again.
struct Startup {
  Invocation invocation;
  std::function<Result<Config>()> read_config;  // as at start
};

class Server {
 public:
  // Blocks the signals until run() handles them. During the start they would kill the process, or be lost if it is
  // process 1 of a container. Call it first of all, because threads inherit the mask.
  static void hold_signals();

  // Does everything that can fail at the start, the socket last. `config` has passed check_config(), and the signals
  // are held.
  static Result<std::unique_ptr<Server>> create(const Config& config, const Startup& startup);
  ~Server();

  // Serves until a signal ends it. SIGTERM or SIGINT drains, a second one ends at once; SIGHUP reads the settings
  // again; SIGUSR2 starts a successor, and drains once that serves. Returns the exit status: 0 if no stream was cut.
  int run();

 private:
  Server(const Config& config, const Startup& startup);

  Status set_up();
  Status open_journals();
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
  // The successor asks for answers that are kept here.
  void handle_successor_handoffs();
  void handle_predecessor_end();
  // Streams have until `deadline` to end.
  void begin_drain(WorkerOrder order, Time deadline);
  Time next_due() const { return std::min({deadline_, watchdog_due_, status_server_due_}); }
  // Ends the process without waiting for streams.
  [[noreturn]] void quit(const char* reason) const;

  std::shared_ptr<const Config> config_;
  const Startup startup_;
  const Time started_ = MonotonicClock::now();
  UniqueFd signals_;
  ListeningSocket socket_;   // its descriptor can be passed to a successor; the workers have a copy
  bool owns_socket_ = true;  // this process must remove its file
  std::optional<Successor> successor_;
  std::optional<JournalDirectory> journals_;
  Workforce workforce_;
  std::optional<JournalKeeper> journal_keeper_;  // if there are journals, while the workers run
  bool predecessor_lives_ = false;
  std::optional<SuccessorChannel> successor_channel_;  // once it serves; none before, and when it has ended
  std::optional<DaemonStatus> status_;
  std::unique_ptr<StatusServer> status_server_;
  Time status_server_due_ = Time::max();  // the next attempt to start it
  bool status_server_failed_ = false;
  WorkerOrder order_ = WorkerOrder::kServe;
  bool ending_ = false;          // because of a signal or a worker's failure
  Time deadline_ = Time::max();  // for the current order, or for a successor's report that it serves
  std::optional<Duration> watchdog_interval_;
  Time watchdog_due_ = Time::max();
};

}  // namespace streaming
