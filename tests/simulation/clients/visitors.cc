// SPDX-License-Identifier: Apache-2.0
#include "simulation/clients/visitors.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "simulation/clients/visits.h"

namespace streaming::simulation {
namespace {

class Visitors final : public Inhabitants {
 public:
  Visitors(Kernel& kernel, Random random, const Upstreams& upstreams)
      : kernel_(kernel), random_(random), upstreams_(upstreams) {}

  void settle(Config& config) override {
    for (const std::string& backend : Upstreams::backends()) settings_.wishes.backends.push_back(backend);
    settings_.wishes.hooks = {Upstreams::kHook};
    settings_.upstreams = &upstreams_.reckoning();
    // Behind a worker that stands still, the answer comes too late.
    const Duration stall(kernel_.faults.stall.one_in != 0 ? 3000 : 100);
    settings_.reports = {&upstreams_.hook(), &kernel_.history, config.hook_timeout - stall};
    config.done_event = random_.one_in(3);
    config.max_payload_bytes = random_.pick({std::int64_t{1024 * 1024}, std::int64_t{150'000}, std::int64_t{8'000}});
    config.heartbeat_interval = Duration(random_.pick({15'000, 15'000, 70, 0}));
    config.max_queued_bytes = random_.pick({64 * 1024, 1'000});
    if (random_.one_in(3)) config.max_streams_per_user = static_cast<std::int64_t>(random_.between(1, 8));
    if (random_.one_in(3)) config.user_rate_limit = static_cast<std::int64_t>(random_.between(2, 40));
    if (random_.one_in(6)) config.user_token_budget = static_cast<std::int64_t>(random_.between(1, 500));
    if (random_.one_in(3)) config.answers_max_followers = static_cast<std::int64_t>(random_.between(1, 4));
    if (random_.one_in(3)) config.answers_keep = Duration(random_.pick({1, 500, 5'000}));
    settings_.wishes.has_done_event = config.done_event;
    settings_.wishes.max_payload_bytes = static_cast<std::size_t>(config.max_payload_bytes);
    settings_.is_seqpacket = config.socket_type != "stream";
  }

  void begin() override {
    visits_ = std::make_unique<Visits>(settings_, random_.fork(), kernel_.scheduler);
    for (to_come_ = random_.between(1, 100); starts_.size() < to_come_;) {
      const Duration start(random_.one_in(4) ? random_.below(40'000) : random_.below(3'000));
      starts_.insert(starts_.end(), random_.one_in(8) ? random_.between(1, 30) : 1, start);
    }
    to_come_ = starts_.size();
    for (const Duration start : starts_) {
      kernel_.scheduler.after(start, [this] {
        --to_come_;
        Handoff& handoff = visits_->arrive();
        kernel_.trace.note("visit {} comes", visits_->all().size());
        kernel_.hand_over(handoff);
      });
    }
  }

  std::size_t waiting() const override { return to_come_ + (visits_->somebody_waits() ? 1 : 0); }

  std::string who_waits() const override { return visits_->who_waits(); }
  std::string complaint() const override {
    const std::vector<std::string> violations = visits_->violations();
    for (const auto& [outcome, times] : visits_->outcomes()) kernel_.coverage.count("client", outcome, times);
    if (violations.empty()) return {};
    return violations.front() +
           (violations.size() > 1 ? " (and " + std::to_string(violations.size() - 1) + " more)" : "");
  }

 private:
  Kernel& kernel_;
  Random random_;
  const Upstreams& upstreams_;
  VisitSettings settings_;
  std::unique_ptr<Visits> visits_;
  std::vector<Duration> starts_;
  std::size_t to_come_ = 0;
};

}  // namespace

std::unique_ptr<Inhabitants> make_visitors(Kernel& kernel, Random random, const Upstreams& upstreams) {
  return std::make_unique<Visitors>(kernel, random, upstreams);
}

}  // namespace streaming::simulation
