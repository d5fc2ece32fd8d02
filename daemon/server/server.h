// Server: the daemon as a whole. Makes the workers, starts their threads, listens to signals, ends them, sums up.
//
// Lives in main(), on the main thread, which does nothing else.

#pragma once

#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "handoff/listening_socket.h"
#include "handoff/worker_load.h"
#include "server/capacity.h"
#include "server/summary.h"
#include "server/worker.h"

namespace streaming {

class Server {
 public:
  // Everything that can fail at start-up, the socket last. Blocks the signals that run() waits for.
  static Result<std::unique_ptr<Server>> create(const Config& config);
  ~Server();

  // Serves until a signal ends it. SIGTERM or SIGINT drains; a second one ends at once. Returns the exit status: 0 when
  // no stream was cut.
  int run();

 private:
  explicit Server(const Config& config);

  Status set_up();
  Status check_backend() const;
  Status make_workers(const Capacity& capacity, bool direct_files);
  void start_threads();

  void handle_signal();
  void handle_worker_event();
  void handle_deadline();
  void begin_drain();
  bool any_worker_running() const;
  // Milliseconds for poll(); -1: for ever.
  int ms_to_deadline() const;
  // Ends the process without waiting for anybody.
  [[noreturn]] void quit(const char* reason) const;
  // Adds the workers' figures up; after they have ended.
  Summary sum_up() const;

  const Config& config_;
  const Time started_ = MonotonicClock::now();
  UniqueFd signals_;
  UniqueFd worker_events_;  // an eventfd that the workers write
  ListeningSocket socket_;  // its descriptor is the first worker's
  SharedByWorkers shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::optional<std::latch> all_enabled_;
  std::vector<std::thread> threads_;
  WorkerOrder order_ = WorkerOrder::kServe;
  Time deadline_ = Time::max();  // for carrying the order out
};

}  // namespace streaming
