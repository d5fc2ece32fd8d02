// SPDX-License-Identifier: Apache-2.0
#include "server/server.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <iterator>

#include "base/log.h"
#include "config/option.h"
#include "handoff/listening_socket.h"
#include "process/program.h"
#include "ring/engine.h"
#include "ring/limits.h"
#include "server/config_check.h"
#include "server/limits.h"
#include "server/warnings.h"

namespace streaming {
namespace {

// From a successor's start to its report that it serves.
constexpr Duration kSuccessorTimeout{30'000};

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR2}) sigaddset(&signals, number);
  return signals;
}

Result<UniqueFd> take_over_signals() {
  signal(SIGPIPE, SIG_IGN);
  // The process that started the daemon may have left SIGCHLD ignored; then children would vanish before they are
  // reaped.
  signal(SIGCHLD, SIG_DFL);
  const sigset_t signals = handled_signals();
  UniqueFd fd(signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) return Error::from_errno("cannot create a signalfd", errno);
  return fd;
}

Error contradicts(const Config& config, const ListeningSocket& passed) {
  const char* listens = passed.type == SOCK_STREAM ? "ListenStream=" : "ListenSequentialPacket=";
  return Error{source_of(config, "server.socket_type") + " is \"" + config.socket_type + "\", but the socket " +
               passed.path + " that was passed to the daemon is of type \"" +
               std::string(socket_type_name(passed.type)) +
               "\": leave the setting out, or change " + listens +
               " in the socket unit; a socket that the daemon has made itself needs a restart"};
}

// For poll(); -1: no limit.
int ms_until(Time due) {
  if (due == Time::max()) return -1;
  return static_cast<int>(std::max(due - MonotonicClock::now(), Duration(0)).count());
}

}  // namespace

// --- Starting -------------------------------------------------------------------------------------------------------

void Server::hold_signals() {
  const sigset_t signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

Result<std::unique_ptr<Server>> Server::create(const Config& config, const Startup& startup) {
  std::unique_ptr<Server> server(new Server(config, startup));
  if (Status set_up = server->set_up(); !set_up) return set_up.error();
  return server;
}

Server::Server(const Config& config, const Startup& startup)
    : config_(std::make_shared<const Config>(config)), startup_(startup), workforce_(config) {
}

Server::~Server() = default;

Status Server::set_up() {
  // First of all, because later descriptors must not get these numbers.
  Result<PassedDescriptors> passed = take_passed_descriptors();
  if (!passed) return passed.error();
  socket_.fd = std::move(passed->listener);
  owns_socket_ = !socket_.fd || passed->owns_file;
  if (passed->upgrade) workforce_.set_predecessor(std::make_unique<Predecessor>(std::move(passed->upgrade)));

  warn_of(*config_);
  Result<std::uint64_t> open_files_limit = raise_open_files_limit();
  if (!open_files_limit) return open_files_limit.error();
  const Result<EngineChoice> engine = choose_engine(config_->engine);
  if (!engine) return engine.error();
  Result<Capacity> capacity =
      plan_capacity(*config_, std::thread::hardware_concurrency(), *open_files_limit, engine->direct_files);
  if (!capacity) return capacity.error();
  if (Status started = UpstreamClient::start_library(); !started) return started;

  Result<UniqueFd> signals = take_over_signals();
  if (!signals) return signals.error();
  signals_ = std::move(*signals);
  enlarge_descriptor_table(*capacity, signals_.get());
  if (Status opened = open_journals(); !opened) return opened;
  const int journals = journals_ ? journals_->own() : -1;
  const auto make_one = [&](const RingOptions& options) { return make_ring(engine->engine, options); };
  if (Status made = workforce_.make(config_, *capacity, engine->direct_files, make_one, journals); !made) return made;
  status_.emplace(workforce_.workers(), workforce_.requests(), *capacity, engine->engine,
                  journals_ ? journals_->path() : "");
  status_->set_store_required(config_->store_required);
  if (Status listening = listen(); !listening) return listening;
  if (!engine->reason.empty()) {
    log::warn("epoll takes the place of io_uring: an event costs a system call, and a client a descriptor; {}",
              engine->reason);
  }
  log::info("{} workers, room for {} streams under a limit of {} open files{}", capacity->streams_of_worker.size(),
            capacity->streams(), *open_files_limit,
            engine->direct_files ? " for each ring" : "; with io_uring of Linux 6.13 or later as many for each worker");
  log::info("room for {} upstream connections; HTTP/1.1 needs one for each stream", capacity->upstream_connections());
  log::info("room for {} MB that requests hold until their answers begin", workforce_.requests().most() >> 20);
  return success();
}

Status Server::open_journals() {
  const std::string path = journal_directory(*config_);
  if (path.empty()) return success();
  Result<JournalDirectory> directory = JournalDirectory::open(path);
  if (!directory) return directory.error();
  journals_ = std::move(*directory);
  return success();
}

Status Server::listen() {
  const SocketRights rights{config_->socket_mode, config_->socket_owner, config_->socket_group};
  if (!owns_socket_ && rights != SocketRights{}) {
    log::warn(
        "server.socket_mode, socket_owner and socket_group have no effect: the socket was passed by the service "
        "manager; set SocketMode=, SocketUser= and SocketGroup= in its socket unit");
  }
  const int type = socket_type_of(config_->socket_type);
  const bool passed = static_cast<bool>(socket_.fd);
  Result<ListeningSocket> socket = passed ? adopt_listening_socket(std::move(socket_.fd))
                                          : open_listening_socket(config_->socket_path, rights, type);
  if (!socket) return socket.error();
  if (!config_->socket_type.empty() && socket->type != type) return contradicts(*config_, *socket);
  socket_ = std::move(*socket);
  UniqueFd copy(fcntl(socket_.fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) return Error::from_errno("cannot copy the listening socket", errno);
  workforce_.listen(std::move(copy), socket_.type);
  return success();
}

// --- Running and ending ---------------------------------------------------------------------------------------------

int Server::run() {
  if (Status started = workforce_.start(); !started) {
    log::critical("{}", started.error().message);
    if (owns_socket_) socket_.remove_file();
    end_log();
    std::_Exit(EXIT_FAILURE);  // the workers that have started wait for the others
  }
  Predecessor* const predecessor = workforce_.predecessor();
  predecessor_lives_ = predecessor != nullptr;
  if (predecessor_lives_) predecessor->report_that_we_serve();
  workforce_.accept();
  log::info("ready on {} ({}), backend {}", socket_.path, socket_type_name(socket_.type), config_->backend);
  notify_ready("serving");
  status_->set_accepting(true);
  if (journals_) {
    journal_keeper_.emplace(*journals_, workforce_.given_up_reports(), workforce_.workers(), !config_->hooks.empty());
  }
  if (predecessor_lives_) {
    status_server_due_ = MonotonicClock::now() + kStatusRetryPause;  // the predecessor has the port until then
  } else {
    start_status_server();
  }
  watchdog_interval_ = watchdog_interval();
  if (watchdog_interval_) watchdog_due_ = MonotonicClock::now();
  while (workforce_.any_running()) wait();
  status_server_.reset();
  workforce_.join();
  journal_keeper_.reset();

  Summary summary = workforce_.sum_up();
  summary.elapsed = MonotonicClock::now() - started_;
  if (config_->benchmark) std::fputs(to_text(summary).c_str(), stdout);
  log::info("ended; {} streams completed, {} cut", summary.closed_by(CloseCause::kCompleted),
            summary.closed_by(CloseCause::kShutdown));
  return summary.failed || summary.closed_by(CloseCause::kShutdown) > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

void Server::wait() {
  pollfd events[] = {
      {signals_.get(), POLLIN, 0},
      {workforce_.events(), POLLIN, 0},
      {successor_ ? successor_->readiness() : -1, POLLIN, 0},
      {successor_channel_ ? successor_channel_->descriptor() : -1, POLLIN, 0},
      {predecessor_lives_ ? workforce_.predecessor()->channel() : -1, 0, 0}};
  const Time due = next_due();
  poll(events, std::size(events), ms_until(due));
  // If the whole process was stopped, streams and a successor get that time in addition.
  const Duration late = due == Time::max() ? Duration(0) : MonotonicClock::now() - due;
  if (deadline_ != Time::max() && late > kLateTurn) deadline_ += late;
  if (events[0].revents != 0) handle_signal();
  if (events[1].revents != 0) handle_worker_event();
  if (events[2].revents != 0 && successor_) handle_successor();
  if (events[3].revents != 0) handle_successor_handoffs();
  if (events[4].revents != 0) handle_predecessor_end();
  const Time now = MonotonicClock::now();
  if (now >= deadline_) handle_deadline();
  if (now >= watchdog_due_) handle_watchdog();
  if (now >= status_server_due_) start_status_server();
}

void Server::handle_signal() {
  signalfd_siginfo signal{};
  if (read(signals_.get(), &signal, sizeof signal) != sizeof signal) return;
  switch (signal.ssi_signo) {
    case SIGHUP:
      return startup_.invocation.is_replaced() ? upgrade() : reload();  // a new program reads the new settings
    case SIGUSR2:
      return upgrade();
    default:
      return handle_end_signal(static_cast<int>(signal.ssi_signo));
  }
}

void Server::handle_end_signal(int number) {
  if (ending_) quit("a second signal");
  log::info("signal {}: accepting no more, streams have {} ms to end; a second signal ends at once", number,
            config_->shutdown_timeout.count());
  end();
}

void Server::end() {
  ending_ = true;
  notify_stopping("streams end");
  successor_.reset();
  if (owns_socket_ && order_ == WorkerOrder::kServe) socket_.remove_file();
  begin_drain(WorkerOrder::kDrain, MonotonicClock::now() + config_->shutdown_timeout);
}

void Server::begin_drain(WorkerOrder order, Time deadline) {
  deadline_ = deadline;
  if (order_ >= order) return;
  order_ = order;
  status_->set_accepting(false);
  if (journal_keeper_) journal_keeper_->end_adopting();
  socket_.fd.reset();
  workforce_.request(order_);
}

void Server::handle_worker_event() {
  workforce_.clear_events();
  if (successor_channel_) successor_channel_->on_settled();
  for (const std::unique_ptr<Worker>& worker : workforce_.workers()) {
    if (worker->running() || worker->result().ok()) continue;
    log::critical("a worker has failed: {}; ending", worker->result().error().message);
    if (order_ == WorkerOrder::kServe) end();
  }
  // A worker that fails stops listening before it ends. If no other one listens, the backlog must not take clients.
  if (order_ == WorkerOrder::kServe && !workforce_.listening()) end();
  if (order_ != WorkerOrder::kServe) workforce_.request(order_);
}

void Server::handle_deadline() {
  if (successor_) {
    log::error("upgrade: the new daemon has not reported in time that it serves; this one continues");
    successor_.reset();
    deadline_ = Time::max();
    return;
  }
  if (order_ == WorkerOrder::kEnd) quit("streams that do not end");
  order_ = WorkerOrder::kEnd;
  deadline_ = MonotonicClock::now() + kEndTimeout;
  workforce_.request(order_);
}

// If a worker's loop has not run since the last call, nothing is reported to the service manager. A worker that only
// got no CPU is asked again before the manager's time is up.
void Server::handle_watchdog() {
  const bool alive = workforce_.all_alive();
  if (alive) notify_alive();
  watchdog_due_ = MonotonicClock::now() + *watchdog_interval_ / (alive ? 2 : 8);
}

// The predecessor, or another process, may have the port. The daemon serves clients meanwhile.
void Server::start_status_server() {
  status_server_due_ = Time::max();
  const std::string address = monitoring_address(*config_);
  if (address.empty()) return;
  Result<std::unique_ptr<StatusServer>> server = StatusServer::start(address, *status_);
  if (server) {
    status_server_ = std::move(*server);
    log::info("metrics on port {} of {}", status_server_->port(), address.substr(0, address.rfind(':')));
    return;
  }
  if (!std::exchange(status_server_failed_, true)) log::error("{}; trying again", server.error().message);
  status_server_due_ = MonotonicClock::now() + kStatusRetryPause;
}

// --- Other settings, another binary ---------------------------------------------------------------------------------

void Server::reload() {
  notify_reloading();
  Result<Config> fresh = startup_.read_config();
  const Status checked = fresh ? check_config(*fresh) : Status(fresh.error());
  if (!checked) {
    log::error("reload: {}; the old settings stay in force", checked.error().message);
  } else {
    take(config_changes(*config_, *fresh));
  }
  notify_ready("serving");
}

void Server::take(const ConfigChanges& changes) {
  config_ = std::make_shared<const Config>(changes.config);
  if (Status restarted = restart_log(log_settings(*config_)); !restarted) {
    log::error("reload: {}; the log stays where it was", restarted.error().message);
  }
  for (const std::string& option : changes.taken) log::info("reload: {} has changed", option);
  for (const std::string& option : changes.needs_restart) log::warn("reload: {} needs a restart to change", option);
  if (changes.taken.empty() && changes.needs_restart.empty()) log::info("reload: nothing has changed");
  warn_of(*config_);
  workforce_.reconfigure(config_);
  status_->set_store_required(config_->store_required);
  if (journal_keeper_ && !config_->hooks.empty()) journal_keeper_->begin_adopting();
}

void Server::upgrade() {
  if (order_ != WorkerOrder::kServe || successor_) return log::warn("upgrade: already in progress");
  Result<Successor> successor = Successor::start(startup_.invocation, socket_.fd.get(), owns_socket_);
  if (!successor) return log::error("upgrade: {}; this daemon continues", successor.error().message);
  log::info("upgrade: process {} starts {}", successor->pid(), startup_.invocation.executable);
  successor_.emplace(std::move(*successor));
  deadline_ = MonotonicClock::now() + kSuccessorTimeout;
}

void Server::handle_successor() {
  const pid_t pid = successor_->pid();
  const bool serves = successor_->read_readiness();
  if (serves) successor_channel_.emplace(successor_->take_channel(), workforce_);
  successor_.reset();
  deadline_ = Time::max();
  if (!serves) return log::error("upgrade: process {} has ended before it served; this daemon continues", pid);
  log::info("upgrade: process {} serves; this one ends after its last stream and its last kept answer", pid);
  notify_main_process(pid);
  status_server_.reset();  // the successor needs the port
  status_server_due_ = Time::max();
  begin_drain(WorkerOrder::kHandOver, Time::max());
}

// When the successor has ended, nobody asks for what is kept.
void Server::handle_successor_handoffs() {
  if (successor_channel_->read()) return;
  successor_channel_.reset();
  begin_drain(WorkerOrder::kDrain, deadline_);
}

void Server::handle_predecessor_end() {
  predecessor_lives_ = false;
  workforce_.note_predecessor_end();
}

void Server::quit(const char* reason) const {
  const std::uint64_t cut = workforce_.unfinished();
  log::warn("ending at once because of {}; {} streams cut", reason, cut);
  kill_programs();
  end_log();
  std::_Exit(cut == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}

}  // namespace streaming
