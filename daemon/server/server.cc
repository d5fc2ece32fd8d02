#include "server/server.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "base/limits.h"
#include "base/log.h"
#include "handoff/listening_socket.h"
#include "ring/direct_files.h"
#include "ring/uring_ring.h"

namespace streaming {
namespace {

Result<UniqueFd> make_eventfd() {
  UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return Error::from_errno("cannot create an eventfd", errno);
  return fd;
}

// Before the first thread, so that all inherit the mask and the signals come to run() alone.
Result<UniqueFd> take_over_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  UniqueFd fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return Error::from_errno("cannot create a signalfd", errno);
  return fd;
}

}  // namespace

// --- Starting -------------------------------------------------------------------------------------------------------

Result<std::unique_ptr<Server>> Server::create(const Config& config) {
  std::unique_ptr<Server> server(new Server(config));
  if (Status set_up = server->set_up(); !set_up) return set_up.error();
  return server;
}

Server::Server(const Config& config)
    : config_(config),
      shared_{.loads = {}, .users = UserLimits(config.max_streams_per_user, config.user_rate_limit), .notify = [this] {
                eventfd_write(worker_events_.get(), 1);
              }} {
}

Server::~Server() = default;

Status Server::set_up() {
  if (Status checked = check_backend(); !checked) return checked;
  Result<std::uint64_t> open_files_limit = raise_open_files_limit();
  if (!open_files_limit) return open_files_limit.error();
  const bool direct_files = kernel_releases_direct_files_at_once();
  Result<Capacity> capacity =
      plan_capacity(config_, std::thread::hardware_concurrency(), *open_files_limit, direct_files);
  if (!capacity) return capacity.error();
  if (Status started = CurlClient::start_library(); !started) return started;

  Result<UniqueFd> signals = take_over_signals();
  if (!signals) return signals.error();
  signals_ = std::move(*signals);
  Result<UniqueFd> events = make_eventfd();
  if (!events) return events.error();
  worker_events_ = std::move(*events);
  if (Status made = make_workers(*capacity, direct_files); !made) return made;

  Result<ListeningSocket> socket = open_listening_socket(config_.socket_path, config_.socket_mode);
  if (!socket) return socket.error();
  socket_ = std::move(*socket);
  workers_.front()->listen(std::move(socket_.fd));
  log::info("{} workers, room for {} streams under a limit of {} open files{}", workers_.size(), capacity->streams(),
            *open_files_limit, direct_files ? " a ring" : "; with Linux 6.13 or later it would be as many a worker");
  return success();
}

Status Server::check_backend() const {
  const BackendEntry* backend = find_backend(config_.backend);
  if (backend == nullptr) return Error{"unknown backend " + config_.backend + "; there are: " + backend_names()};
  if (!find_format(config_.response_format)) {
    return Error{"unknown response.format " + config_.response_format + "; there are: " + format_names()};
  }
  if (config_.openai_insecure_ssl) log::warn("insecure_ssl is on: the certificate of backend openai is not verified");
  return backend->validate(config_);
}

Status Server::make_workers(const Capacity& capacity, bool direct_files) {
  std::vector<WorkerLoad>& loads = shared_.loads;
  loads = std::vector<WorkerLoad>(capacity.streams_of_worker.size());
  for (std::size_t index = 0; index < loads.size(); ++index) {
    const std::uint32_t streams = capacity.streams_of_worker[index];
    Result<std::unique_ptr<Ring>> ring = UringRing::create({.direct_files = direct_files,
                                                            .client_files = streams + kMaxRefusals,
                                                            .connection_files = kMaxHandoffConnections,
                                                            .receive_buffers = kReceiveBuffers,
                                                            .receive_bytes = handoff_protocol::kMaxInlinePayloadBytes});
    if (!ring) return ring.error();
    Result<UniqueFd> wakeup = make_eventfd();
    if (!wakeup) return wakeup.error();
    loads[index].ring = (*ring)->number();
    loads[index].capacity = streams;
    workers_.push_back(std::make_unique<Worker>(index, config_, shared_, std::move(*ring), std::move(*wakeup)));
  }
  return success();
}

void Server::start_threads() {
  all_enabled_.emplace(static_cast<std::ptrdiff_t>(workers_.size()));
  for (const std::unique_ptr<Worker>& worker : workers_) {
    threads_.emplace_back([this, &worker] { worker->run(*all_enabled_); });
  }
}

// --- Running and ending ---------------------------------------------------------------------------------------------

int Server::run() {
  start_threads();
  log::info("ready on {}, backend {}", config_.socket_path, config_.backend);
  while (any_worker_running()) {
    pollfd events[] = {{signals_.get(), POLLIN, 0}, {worker_events_.get(), POLLIN, 0}};
    poll(events, std::size(events), ms_to_deadline());
    if (events[0].revents != 0) handle_signal();
    if (events[1].revents != 0) handle_worker_event();
    if (MonotonicClock::now() >= deadline_) handle_deadline();
  }
  for (std::thread& thread : threads_) thread.join();
  socket_.remove_file();

  const Summary summary = sum_up();
  if (config_.benchmark) std::fputs(to_text(summary).c_str(), stdout);
  log::info("ended; {} streams completed, {} cut", summary.closed_by(CloseCause::kCompleted),
            summary.closed_by(CloseCause::kShutdown));
  return summary.failed || summary.closed_by(CloseCause::kShutdown) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

bool Server::any_worker_running() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->running(); });
}

int Server::ms_to_deadline() const {
  if (deadline_ == Time::max()) return -1;
  return static_cast<int>(std::max(deadline_ - MonotonicClock::now(), Duration(0)).count());
}

void Server::handle_signal() {
  signalfd_siginfo signal{};
  if (read(signals_.get(), &signal, sizeof signal) != sizeof signal) return;
  if (order_ != WorkerOrder::kServe) quit("a second signal");
  log::info("signal {}: accepting no more, streams have {} ms to end; a second signal ends at once", signal.ssi_signo,
            config_.shutdown_timeout.count());
  begin_drain();
}

// The listener's worker first: the others may end only when nothing can come from it any more.
void Server::begin_drain() {
  order_ = WorkerOrder::kDrain;
  deadline_ = MonotonicClock::now() + config_.shutdown_timeout;
  socket_.remove_file();
  workers_.front()->request(order_);
}

void Server::handle_worker_event() {
  eventfd_t ignored = 0;
  eventfd_read(worker_events_.get(), &ignored);
  for (const std::unique_ptr<Worker>& worker : workers_) {
    if (worker->running() || worker->result().ok()) continue;
    log::critical("a worker has failed: {}; ending", worker->result().error().message);
    if (order_ == WorkerOrder::kServe) begin_drain();
  }
  const Worker& listener = *workers_.front();
  if (order_ == WorkerOrder::kServe || (listener.running() && listener.listening())) return;
  for (std::size_t index = 1; index < workers_.size(); ++index) workers_[index]->request(order_);
}

void Server::handle_deadline() {
  if (order_ == WorkerOrder::kEnd) quit("streams that do not end");
  order_ = WorkerOrder::kEnd;
  deadline_ = MonotonicClock::now() + kEndTimeout;
  for (const std::unique_ptr<Worker>& worker : workers_) worker->request(order_);
}

void Server::quit(const char* reason) const {
  std::uint64_t cut = 0;
  for (const WorkerLoad& load : shared_.loads) cut += load.assigned.load(std::memory_order_relaxed);
  log::warn("ending at once because of {}; {} streams cut", reason, cut);
  end_log();
  std::_Exit(cut == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

Summary Server::sum_up() const {
  Summary summary;
  summary.elapsed = MonotonicClock::now() - started_;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    summary.counters += worker->counters();
    summary.peak_streams += worker->streams().peak();
    for (std::size_t cause = 0; cause < kCloseCauses; ++cause)
      summary.closed[cause] += worker->streams().closed()[cause];
    if (!worker->result()) summary.failed = true;
  }
  return summary;
}

}  // namespace streaming
