// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/world.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "answers/undelivered_reports.h"
#include "base/check.h"
#include "handoff/limits.h"
#include "simulation/world/handoff_socket.h"
#include "simulation/world/invariants.h"
#include "simulation/world/promised_reports.h"
#include "simulation/upstreams/upstreams.h"
#include "simulation/clients/visitors.h"

namespace streaming::simulation {
namespace {

// Short ones are at times over before the client's turn to close an HTTP/2 connection is, and before an API says more. With
// small buffers a client that reads slowly would be given up.
Duration draw_write_timeout(const Faults& faults, Random& random) {
  const bool is_short = faults.small_buffers.one_in == 0 && random.one_in(2);
  return is_short ? some_ms(random, 1000, 1500) : some_ms(random, 5000, 30'000);
}

// Of the system: payloads in memory, and the disk's files.
std::size_t open_descriptors() {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

}  // namespace

World::World(const RunOptions& options, Coverage& coverage)
    : options_(options),
      random_(options.seed),
      trace_(options.trace),
      scheduler_(random_.fork()),
      faults_(Faults::draw(random_.fork())),
      coverage_(coverage),
      kernel_(scheduler_, trace_, coverage, faults_, random_.fork()),
      disk_(kernel_) {
  running_kernel() = &kernel_;
  config_ = draw_config();
  settings_ = draw_settings();
  auto upstreams = std::make_unique<Upstreams>(kernel_, random_.fork());
  auto visitors = make_visitors(kernel_, random_.fork(), *upstreams);
  inhabitants_.push_back(std::move(upstreams));
  inhabitants_.push_back(std::move(visitors));
}

World::~World() {
  daemons_.clear();
  kernel_.links.clear();
  kernel_.handoffs.clear();
  running_kernel() = nullptr;
}

Config World::draw_config() {
  Config config;
  config.max_connections = static_cast<std::int64_t>(random_.between(4, 200));
  config.workers = static_cast<std::int64_t>(random_.between(1, 3));
  config.max_held_bytes = 64 * 1024 * 1024;
  config.backend = "mock";
  config.mock_delay = some_ms(random_, 0, 59);
  config.write_timeout = draw_write_timeout(faults_, random_);
  config.early_head = random_.one_in(2);
  // At times less than the answers have that run at the same time.
  config.answers_max_kept_bytes = random_.pick({1024 * 1024, 1024 * 1024, 30'000});
  config.socket_type = random_.one_in(2) ? "seqpacket" : "stream";
  config.metrics_enabled = false;
  return config;
}

DaemonSettings World::draw_settings() {
  DaemonSettings settings;
  settings.direct_files = random_.one_in(2);
  // At times so few that clients and upstreams use them up.
  if (random_.one_in(8)) settings.most_descriptors = static_cast<int>(random_.between(20, 100));
  if (random_.one_in(2)) settings.journal_directory = disk_.directory() + "/journals";
  return settings;
}

bool World::fail(std::string what) {
  if (failure_.empty()) failure_ = std::move(what);
  return false;
}

// --- A run ----------------------------------------------------------------------------------------------------------

RunResult World::run() {
  constexpr std::int64_t kLongestNs = 3600LL * 1'000'000'000;
  constexpr std::int64_t kLongestEndNs = 60LL * 1'000'000'000;
  const std::size_t descriptors_before = open_descriptors();
  kernel_.history.set_has_journal(!settings_.journal_directory.empty());
  for (const auto& group : inhabitants_) group->settle(config_);
  start_daemon(nullptr);
  for (const auto& group : inhabitants_) group->begin();
  plan_events();
  do_steps_until(
      [this] {
        return std::none_of(inhabitants_.begin(), inhabitants_.end(), [](const auto& group) { return group->waiting() > 0; });
      },
      kLongestNs, "clients wait");
  wait_for_reports();
  ending_ = true;
  for (const auto& daemon : daemons_) daemon->end(Duration(2000));
  do_steps_until([this] { return daemons_.empty(); }, kLongestEndNs, "a daemon does not end");
  check_end(descriptors_before);
  return {.hash = trace_.hash(), .steps = trace_.steps(), .handoffs = handoffs_, .failure = failure_};
}

void World::start_daemon(SimulatedDaemon* predecessor) {
  const int type = config_.socket_type == "stream" ? SOCK_STREAM : SOCK_SEQPACKET;
  std::shared_ptr<ListeningSocket> listener = kernel_.handoff_listener();
  if (listener == nullptr) listener = std::make_shared<ListeningSocket>(kernel_, type, kListenBacklog);
  kernel_.set_handoff_listener(listener);
  std::shared_ptr<PairSocket> channel;
  if (predecessor != nullptr) {
    auto pair = PairSocket::make(kernel_, SOCK_SEQPACKET);
    predecessor->begin_upgrade(std::move(pair.first));
    channel = std::move(pair.second);
  }
  daemons_.push_back(std::make_unique<SimulatedDaemon>(kernel_, disk_, "d" + std::to_string(daemons_begun_++),
                                                       std::make_shared<const Config>(config_), settings_, std::move(channel)));
  daemons_.back()->start(std::move(listener), type);
}

void World::wait_for_reports() {
  // Longer than a report is tried.
  constexpr std::int64_t kLongestNs = 100LL * 3600 * 1'000'000'000;
  // In which a client's end is waited for, and journals of others are found.
  constexpr Duration kQuiet{8000};
  for (const auto& group : inhabitants_) group->on_clients_gone();
  for (bool again = true; again && failure_.empty();) {
    bool is_quiet = false;
    Time quiet_until{};
    do_steps_until(
        [&] {
          if (has_to_report()) {
            is_quiet = false;
          } else if (!std::exchange(is_quiet, true)) {
            quiet_until = scheduler_.now() + kQuiet;
            scheduler_.after(kQuiet, [] {});
          }
          return is_quiet && scheduler_.now() >= quiet_until;
        },
        kLongestNs, "reports are not sent");
    again = !settings_.journal_directory.empty() && count_undelivered(settings_.journal_directory) > 0;
    if (!again) return;
    coverage_.count("report", "sent again by the command");
    CHECK(resend_undelivered(settings_.journal_directory));
    for (const auto& daemon : daemons_) daemon->expect_journals();
  }
}

// Or a daemon starts, or another one has not ended yet.
bool World::has_to_report() const {
  return daemons_.size() != 1 || daemons_.front()->has_to_report();
}

template <typename IsDone>
void World::do_steps_until(IsDone&& is_done, std::int64_t longest_ns, const char* stall) {
  const std::int64_t end_ns = scheduler_.now_ns() + longest_ns;
  while (failure_.empty() && !is_done()) {
    if (options_.steps != 0 && trace_.steps() >= options_.steps) return;
    if (scheduler_.empty() || scheduler_.next_ns() > end_ns) {
      std::string what = std::string("a stall: ") + stall + (scheduler_.empty() ? ", and nothing is to happen any more" : " too long");
      for (const auto& group : inhabitants_) what += group->who_waits();
      fail(std::move(what));
      return;
    }
    do_step();
  }
}

void World::do_step() {
  trace_.set_time(scheduler_.next_ns());
  scheduler_.do_next();
  check_step();
  const auto ended = std::find_if(daemons_.begin(), daemons_.end(), [](const auto& daemon) { return !daemon->running(); });
  if (ended == daemons_.end()) return;
  std::unique_ptr<SimulatedDaemon> daemon = std::move(*ended);
  const bool has_successor = ended + 1 != daemons_.end();
  daemons_.erase(ended);
  bury(std::move(daemon));
  if (!has_successor) start_daemon_later();
}

void World::bury(std::unique_ptr<SimulatedDaemon> daemon) {
  for (const auto& worker : daemon->workers()) handoffs_ += worker->counters().get(Counter::kHandoffs);
  count_reached(*daemon, coverage_);
  if (daemon->failed()) {
    coverage_.count("event", "a worker fails");
    has_crashed_ = true;
    note_kill(false);
    daemon->leave();
  } else {
    kernel_.history.note_end(scheduler_.now());
    if (const std::string left = not_given_back(*daemon); !left.empty()) fail(daemon->name() + " has ended: " + left);
    const std::size_t descriptors = daemon->leave();
    if (descriptors > 0) fail(daemon->name() + " has ended: " + std::to_string(descriptors) + " descriptors were not closed");
  }
  for (const auto& other : daemons_) other->expect_journals();
}

// By the service manager.
void World::start_daemon_later() {
  if (ending_ || std::exchange(start_due_, true)) return;
  kernel_.set_handoff_listener({});
  scheduler_.after(some_ms(random_, 1, 500), [this] {
    start_due_ = false;
    if (!ending_) start_daemon(nullptr);
  });
}

// --- Events ---------------------------------------------------------------------------------------------------------

void World::plan_events() {
  const auto at_some_time = [this](void (World::*event)()) {
    // Most clients come within the first half of that.
    scheduler_.after(some_ms(random_, 0, random_.one_in(2) ? 2999 : 5999), [this, event] {
      if (!ending_ && !daemons_.empty()) (this->*event)();
    });
  };
  for (std::uint64_t left = random_.one_in(2) ? random_.below(4) : 0; left > 0; --left) at_some_time(&World::reload);
  if (random_.one_in(4)) at_some_time(&World::restart);
  for (std::uint64_t left = random_.one_in(3) ? random_.between(1, 2) : 0; left > 0; --left) at_some_time(&World::upgrade);
  for (std::uint64_t left = random_.one_in(4) ? random_.between(1, 3) : 0; left > 0; --left) at_some_time(&World::crash);
}

// Of what clients are not told.
void World::reload() {
  coverage_.count("event", "reload");
  config_.mock_delay = some_ms(random_, 0, 60);
  config_.write_timeout = draw_write_timeout(faults_, random_);
  config_.idle_timeout = some_ms(random_, 1000, 60'000);
  config_.first_byte_timeout = some_ms(random_, 1000, 30'000);
  config_.max_queued_bytes = random_.pick({1'000, 64 * 1024});
  daemons_.back()->reload(std::make_shared<const Config>(config_));
}

void World::restart() {
  coverage_.count("event", "restart");
  kernel_.set_handoff_listener({});
  daemons_.back()->end(some_ms(random_, 0, 4999));
}

void World::upgrade() {
  if (!daemons_.back()->serving()) return;
  coverage_.count("event", "upgrade");
  start_daemon(daemons_.back().get());
}

// Of one process, or of the machine: then what is not on the disk is lost.
void World::crash() {
  const bool of_the_machine = random_.one_in(2);
  coverage_.count("event", of_the_machine ? "crash of the machine" : "crash of the process");
  do {
    kill_last_daemon();
  } while (of_the_machine && !daemons_.empty());
  note_kill(of_the_machine);
  if (of_the_machine) disk_.crash();
  for (const auto& daemon : daemons_) daemon->expect_journals();
  start_daemon_later();
}

void World::kill_last_daemon() {
  SimulatedDaemon* const daemon = daemons_.back().release();  // a crash runs no destructors
  daemons_.pop_back();
  for (const auto& worker : daemon->workers()) handoffs_ += worker->counters().get(Counter::kHandoffs);
  has_crashed_ = true;
  daemon->crash();
}

void World::note_kill(bool of_the_machine) {
  kernel_.history.note_kill(scheduler_.now(), of_the_machine,
                            promised_reports(settings_.journal_directory, disk_, of_the_machine));
}

// --- Checks ---------------------------------------------------------------------------------------------------------

// All of it after some steps, because it costs more than a step.
void World::check_step() {
  constexpr std::uint64_t kBetweenChecks = 32;
  if (++steps_ % kBetweenChecks != 0) return;
  note_states();
  for (const auto& daemon : daemons_) {
    if (std::string broken = broken_invariant(*daemon); !broken.empty()) fail(std::move(broken));
  }
}

void World::note_states() {
  for (const auto& daemon : daemons_) {
    for (const auto& worker : daemon->workers()) {
      worker->streams().for_each([this](const Stream& stream) {
        coverage_.count("stream state", kStreamStateNames[static_cast<std::size_t>(stream.state())]);
      });
    }
  }
}

// A process that has crashed is still in memory, with what it has opened. One that has lost completions does not know what
// they opened.
void World::check_end(std::size_t descriptors_before) {
  if (options_.steps != 0) return;
  const std::size_t descriptors = open_descriptors();
  if (!has_crashed_ && descriptors > descriptors_before) {
    fail(std::to_string(descriptors - descriptors_before) + " descriptors of the system were not closed");
  }
  for (const auto& group : inhabitants_) {
    if (const std::string complaint = group->complaint(); !complaint.empty()) fail(complaint);
  }
}

}  // namespace streaming::simulation
