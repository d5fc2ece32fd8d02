// SPDX-License-Identifier: Apache-2.0
#include "simulation/world.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "handoff/limits.h"
#include "simulation/handoff_socket.h"
#include "simulation/plain_clients.h"

namespace streaming::simulation {

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
  inhabitants_.push_back(make_plain_clients(kernel_, random_.fork()));
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
  config.mock_delay = Duration(static_cast<std::int64_t>(random_.below(60)));
  config.write_timeout = Duration(static_cast<std::int64_t>(random_.between(1000, 10'000)));
  config.early_head = random_.one_in(2);
  config.answers_max_kept_bytes = 1024 * 1024;
  config.socket_type = random_.one_in(2) ? "seqpacket" : "stream";
  config.metrics_enabled = false;
  return config;
}

DaemonSettings World::draw_settings() {
  DaemonSettings settings;
  settings.direct_files = random_.one_in(2);
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
  for (const auto& group : inhabitants_) group->settle(config_);
  start_daemon();
  for (const auto& group : inhabitants_) group->begin();
  do_steps_until(
      [this] {
        return std::none_of(inhabitants_.begin(), inhabitants_.end(), [](const auto& group) { return group->waiting() > 0; });
      },
      kLongestNs, "clients wait");
  ending_ = true;
  for (const auto& daemon : daemons_) daemon->end(Duration(2000));
  do_steps_until([this] { return daemons_.empty(); }, kLongestEndNs, "a daemon does not end");
  check_end();
  return {.hash = trace_.hash(), .steps = trace_.steps(), .handoffs = handoffs_, .failure = failure_};
}

void World::start_daemon() {
  const int type = config_.socket_type == "stream" ? SOCK_STREAM : SOCK_SEQPACKET;
  auto listener = std::make_shared<ListeningSocket>(kernel_, type, kListenBacklog);
  kernel_.set_handoff_listener(listener);
  const std::string name = "d" + std::to_string(daemons_begun_++);
  daemons_.push_back(std::make_unique<SimulatedDaemon>(kernel_, disk_, name, std::make_shared<const Config>(config_), settings_));
  daemons_.back()->start(std::move(listener), type);
}

template <typename IsDone>
void World::do_steps_until(IsDone&& is_done, std::int64_t longest_ns, const char* stall) {
  const std::int64_t end_ns = scheduler_.now_ns() + longest_ns;
  while (failure_.empty() && !is_done()) {
    if (options_.steps != 0 && trace_.steps() >= options_.steps) return;
    if (scheduler_.empty() || scheduler_.next_ns() > end_ns) {
      fail(std::string("a stall: ") + stall + (scheduler_.empty() ? ", and nothing is to happen any more" : " too long"));
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
  daemons_.erase(ended);
  bury(std::move(daemon));
}

// A service manager starts it anew if it has failed.
void World::bury(std::unique_ptr<SimulatedDaemon> daemon) {
  for (const auto& worker : daemon->workers()) handoffs_ += worker->counters().get(Counter::kHandoffs);
  if (daemon->failed()) {
    for (const auto& group : inhabitants_) group->on_crash();
  }
  daemon.reset();
  if (!ending_ && daemons_.empty()) start_daemon();
}

void World::check_step() {
}

void World::check_end() {
  if (options_.steps != 0) return;
  for (const auto& group : inhabitants_) {
    if (const std::string complaint = group->complaint(); !complaint.empty()) fail(complaint);
  }
}

}  // namespace streaming::simulation
