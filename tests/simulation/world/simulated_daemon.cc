// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/simulated_daemon.h"

#include <poll.h>

#include <algorithm>
#include <stop_token>
#include <utility>

#include "answers/limits.h"
#include "answers/undelivered_reports.h"
#include "base/check.h"
#include "handoff/limits.h"
#include "server/limits.h"
#include "simulation/world/handoff_socket.h"

namespace streaming::simulation {
namespace {

Capacity capacity_of(const Config& config, const DaemonSettings& settings) {
  const auto streams = static_cast<std::uint32_t>(config.max_connections);
  const auto workers = static_cast<std::uint32_t>(config.workers);
  Capacity capacity;
  for (std::uint32_t worker = 0; worker < workers; ++worker) {
    capacity.streams_of_worker.push_back(streams / workers + (worker < streams % workers ? 1 : 0));
  }
  capacity.descriptors = kFirstDescriptor + settings.most_descriptors;
  capacity.clients_in_table = settings.direct_files ? streams / 2 + 2 : 0;
  return capacity;
}

}  // namespace

template <typename Call>
void SimulatedDaemon::as_process(Call&& call) {
  const AsProcess as_this(kernel_, files_);
  call();
}

SimulatedDaemon::SimulatedDaemon(Kernel& kernel, Disk& disk, std::string name, std::shared_ptr<const Config> config,
                                 const DaemonSettings& settings, std::shared_ptr<PairSocket> predecessor)
    : kernel_(kernel),
      disk_(disk),
      name_(std::move(name)),
      files_(settings.most_descriptors),
      config_(std::move(config)),
      settings_(settings),
      predecessor_(std::move(predecessor)) {
  as_process([this] {
    int journals = -1;
    if (!settings_.journal_directory.empty()) {
      Result<JournalDirectory> opened = JournalDirectory::open(settings_.journal_directory);
      CHECK(opened);
      journals_ = std::move(*opened);
      journals = journals_->own();
    }
    workforce_ = std::make_unique<Workforce>(*config_);
    if (predecessor_ != nullptr) {
      workforce_->set_predecessor(std::make_unique<Predecessor>(UniqueFd(files_.add(predecessor_))));
    }
    const auto make_ring = [this](const RingOptions& options) -> Result<std::unique_ptr<Ring>> {
      const std::size_t index = rings_.size();
      auto ring = std::make_unique<SimulatedRing>(kernel_, disk_, files_, options, name_ + "." + std::to_string(index),
                                                  [this, index] { wake(index); });
      rings_.push_back(ring.get());
      return std::unique_ptr<Ring>(std::move(ring));
    };
    const Status made =
        workforce_->make(config_, capacity_of(*config_, settings_), settings_.direct_files, make_ring, journals);
    CHECK(made);
  });
}

SimulatedDaemon::~SimulatedDaemon() {
  CHECK(!crashed_);
  leave();
}

std::size_t SimulatedDaemon::leave() {
  kernel_.killing = workforce_ != nullptr && failed();
  if (kernel_.killing) files_.note_killed();
  as_process([this] {
    alive_.reset();
    for (SimulatedRing* ring : std::exchange(rings_, {})) ring->kill();
    if (successor_ != nullptr) successor_->remove(*this);
    if (predecessor_ != nullptr) predecessor_->remove(*this);
    successor_.reset();
    predecessor_.reset();
    successor_channel_.reset();
    workforce_.reset();
    journals_.reset();
  });
  const std::size_t left = files_.size();
  files_.close_all();
  kernel_.killing = false;
  return left;
}

bool SimulatedDaemon::failed() const {
  return std::any_of(workers().begin(), workers().end(), [](const auto& worker) { return !worker->result().ok(); });
}

// --- Threads --------------------------------------------------------------------------------------------------------

void SimulatedDaemon::start(std::shared_ptr<ListeningSocket> listener, int socket_type) {
  running_ = true;
  as_process([&] {
    workforce_->listen(UniqueFd(files_.add(std::move(listener))), socket_type);
    files_.find(workforce_->events())->add(*this);
    start_threads();
    if (predecessor_ != nullptr) {
      predecessor_->add(*this);
      workforce_->predecessor()->report_that_we_serve();
    }
    workforce_->accept();
  });
  if (journals_) look_at_journals_later();
}

void SimulatedDaemon::start_threads() {
  threads_.resize(rings_.size());
  for (std::size_t index = 0; index < threads_.size(); ++index) {
    Thread& thread = threads_[index];
    thread.worker = workforce_->workers()[index].get();
    thread.ring = rings_[index];
    thread.name = name_ + "." + std::to_string(index);
    thread.running = true;
    after_turn(thread, thread.worker->begin());
  }
}

// A turn that is due earlier takes the place of a later one.
void SimulatedDaemon::schedule_turn(Thread& thread, std::int64_t delay_ns) {
  const std::int64_t due_ns = kernel_.scheduler.now_ns() + delay_ns;
  if (thread.turn_due_ns >= 0 && thread.turn_due_ns <= due_ns) return;
  thread.turn_due_ns = due_ns;
  const std::uint64_t turn = ++thread.turn;
  kernel_.scheduler.after_ns(delay_ns, [this, &thread, turn, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired() && thread.running && thread.turn == turn) take_turn(thread);
  });
}

// A process whose place another one takes shares the cores with it.
bool SimulatedDaemon::stands_still() {
  const Rate stall = kernel_.faults.stall;
  return stall.strikes(kernel_.random) || (stall.one_in != 0 && successor_ != nullptr && kernel_.random.one_in(20));
}

void SimulatedDaemon::wake(std::size_t index) {
  if (index >= threads_.size() || !threads_[index].running) return;
  std::int64_t delay_ns = static_cast<std::int64_t>(kernel_.random.between(2, 60)) * 1000;
  if (stands_still()) {
    kernel_.coverage.count("fault", "stall of a worker");
    delay_ns = static_cast<std::int64_t>(kernel_.random.between(10, 3000)) * kMs;
  }
  schedule_turn(threads_[index], delay_ns);
}

void SimulatedDaemon::take_turn(Thread& thread) {
  thread.turn_due_ns = -1;
  as_process([&] { after_turn(thread, thread.worker->turn()); });
}

// The worker enters the kernel and waits there.
void SimulatedDaemon::after_turn(Thread& thread, bool goes_on) {
  if (!goes_on) return end_thread(thread);
  thread.ring->enter();
  if (thread.ring->is_ready()) wake(static_cast<std::size_t>(&thread - threads_.data()));
  if (const std::optional<std::int64_t> ns = thread.worker->ns_to_next_timer()) {
    schedule_turn(thread, std::max<std::int64_t>(*ns, 0) + 1000);
  }
}

void SimulatedDaemon::end_thread(Thread& thread) {
  kernel_.trace.note("{} ends", thread.name);
  // One that has failed closes what waits in the backlog.
  kernel_.killing = !thread.worker->result().ok();
  thread.worker->end();
  thread.ring->enter();
  thread.ring->finish_closes();
  kernel_.killing = false;
  thread.running = false;
  if (std::any_of(threads_.begin(), threads_.end(), [](const Thread& other) { return other.running; })) return;
  running_ = false;
  kernel_.trace.note("{} has ended", name_);
}

// --- The main thread ------------------------------------------------------------------------------------------------

void SimulatedDaemon::reload(std::shared_ptr<const Config> config) {
  config_ = std::move(config);
  kernel_.trace.note("{} reloads", name_);
  as_process([this] { workforce_->reconfigure(config_); });
}

void SimulatedDaemon::end(Duration patience) {
  kernel_.trace.note("{} is to end within {} ms", name_, patience.count());
  begin_drain(WorkerOrder::kDrain);
  kernel_.scheduler.after(patience, [this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired() && running_) handle_deadline();
  });
}

void SimulatedDaemon::begin_drain(WorkerOrder order) {
  if (order_ >= order) return;
  order_ = order;
  as_process([this] { workforce_->request(order_); });
}

void SimulatedDaemon::handle_deadline() {
  order_ = WorkerOrder::kEnd;
  as_process([this] { workforce_->request(order_); });
}

void SimulatedDaemon::on_change() {
  if (std::exchange(look_scheduled_, true)) return;
  const std::int64_t delay_ns = static_cast<std::int64_t>(kernel_.random.between(1, 5000)) * kUs;
  kernel_.scheduler.after_ns(delay_ns, [this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired() && running_) as_process([this] { look_at_all(); });
  });
}

void SimulatedDaemon::look_at_all() {
  look_scheduled_ = false;
  if (files_.find(workforce_->events())->receivable() > 0) handle_worker_event();
  if (successor_ != nullptr && (successor_->events() & POLLIN) != 0) look_at_successor();
  if (predecessor_ != nullptr && (predecessor_->events() & (POLLHUP | POLLERR)) != 0) {
    std::exchange(predecessor_, nullptr)->remove(*this);
    workforce_->note_predecessor_end();
  }
}

void SimulatedDaemon::begin_upgrade(std::shared_ptr<PairSocket> successor) {
  successor_ = std::move(successor);
  successor_->add(*this);
}

// First it reports that it serves, then it asks for answers.
void SimulatedDaemon::look_at_successor() {
  if (!successor_channel_) {
    char report = 0;
    if (successor_->receive(std::span(&report, 1)) <= 0) return std::exchange(successor_, nullptr)->remove(*this);
    kernel_.trace.note("{} has a successor", name_);
    successor_channel_.emplace(UniqueFd(files_.add(successor_)), *workforce_);
    return begin_drain(WorkerOrder::kHandOver);
  }
  if (successor_channel_->read()) {
    if (successor_->receivable() > 0) on_change();
    return;
  }
  std::exchange(successor_, nullptr)->remove(*this);
  successor_channel_.reset();
  begin_drain(WorkerOrder::kDrain);
}

void SimulatedDaemon::handle_worker_event() {
  workforce_->clear_events();
  if (successor_channel_) successor_channel_->on_settled();
  const bool has_failed = std::any_of(workers().begin(), workers().end(), [](const auto& worker) {
    return !worker->running() && !worker->result().ok();
  });
  if ((has_failed || !workforce_->listening()) && order_ == WorkerOrder::kServe) end(Duration(1000));
  if (order_ != WorkerOrder::kServe) workforce_->request(order_);
}

void SimulatedDaemon::count_adopted(const AdoptedJournal& journal) const {
  for (const AdoptedReport& report : journal.reports) {
    kernel_.coverage.count("adopted report", report.was_running ? "its answer was running" : "its answer had ended");
  }
}

// What the JournalKeeper's thread does. When nothing is expected, it looks seldom: a look costs more than many steps.
void SimulatedDaemon::look_at_journals_later() {
  constexpr int kMostIdleLooks = 30;
  constexpr std::uint64_t kSeldom = 300;
  const std::uint64_t longest = kAdoptionPause.count() * (idle_looks_ > kMostIdleLooks ? kSeldom : 1);
  const auto delay = Duration(static_cast<std::int64_t>(kernel_.random.below(longest)));
  kernel_.scheduler.after(delay, [this, look = ++looks_, alive = std::weak_ptr<int>(alive_)] {
    if (alive.expired() || !running_ || look != looks_) return;
    ++idle_looks_;
    as_process([this] { look_at_journals(); });
    look_at_journals_later();
  });
}

void SimulatedDaemon::expect_journals() {
  idle_looks_ = 0;
  if (journals_) look_at_journals_later();
}

void SimulatedDaemon::look_at_journals() {
  while (order_ == WorkerOrder::kServe) {
    std::optional<AdoptedJournal> journal = journals_->adopt_next();
    if (!journal) break;
    count_adopted(*journal);
    workers()[next_adopter_++ % workers().size()]->adopt(std::move(*journal));
    idle_looks_ = 0;
  }
  std::stop_source stop;
  stop.request_stop();
  for (GivenUpReports::GivenUp& given_up : workforce_->given_up_reports().take(stop.get_token(), kAdoptionPause)) {
    kernel_.coverage.count("report", "given up");
    const Report& report = given_up.report;
    const Status stored = store_undelivered(journals_->path(), {report.id, report.hook, report.body});
    workers()[given_up.worker]->settle(std::move(given_up.report), stored.ok());
  }
}

bool SimulatedDaemon::has_to_report() const {
  return std::any_of(workers().begin(), workers().end(), [](const auto& worker) {
    return worker->waiting_reports() > 0 || worker->stream_metrics().active.get() > 0 ||
           worker->answers().metrics().running.get() > 0;
  });
}

void SimulatedDaemon::crash() {
  kernel_.trace.note("{} crashes", name_);
  crashed_ = true;
  running_ = false;
  alive_.reset();
  for (Thread& thread : threads_) thread.running = false;
  kernel_.killing = true;
  as_process([this] {
    files_.note_killed();
    for (SimulatedRing* ring : std::exchange(rings_, {})) ring->kill();
    files_.close_all();
    journals_.reset();
    successor_.reset();
    predecessor_.reset();
  });
  kernel_.killing = false;
}

}  // namespace streaming::simulation
