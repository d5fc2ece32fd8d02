// SPDX-License-Identifier: Apache-2.0
// Model: what handoff-top knows of a daemon: its figures at the last answer, how they have changed since the one before
// it, and the last minute. Pure; times are seconds of any clock that goes forward.

#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "top/exposition.h"
#include "top/stream_list.h"

namespace top {

// The columns of a sparkline, a second each with the interval that is the default.
inline constexpr std::size_t kMinute = 60;

// Of what goes on, a second each.
enum class Rate : unsigned char { kBegun, kCompleted, kFailed, kRefused, kEvents, kBytes, kCount };
inline constexpr std::size_t kRates = static_cast<std::size_t>(Rate::kCount);

// In seconds; NaN where nothing was measured in the last minute.
struct Quantiles {
  double p50, p95, p99;
};

// Something with a label: how often it was counted a second, and since the daemon's start.
struct Counted {
  std::string name;
  double per_second = 0;
  double total = 0;
};

struct Figures {
  std::string version;
  double uptime_s = 0;
  double open = 0, peak = 0;
  double places = 0;  // 0: the daemon does not say
  std::vector<double> workers;
  std::array<double, kRates> rates{};
  Quantiles first_event{}, duration{}, handoff{};
  std::vector<Counted> ended, refused, backends, tokens;  // the most frequent first
  double running_answers = 0, ended_answers = 0, kept_bytes = 0, followers = 0;
  double waiting_reports = 0, undelivered_reports = 0;
  double store_workers = 0, store_connected = 0;  // workers that have a store, and that can reach it
  double resident_bytes = 0, cpu_share = 0, open_files = 0, max_files = 0;
};

class Model {
 public:
  void take(Exposition metrics, double now);
  // The daemon has not answered, for that reason.
  void fail(std::string reason, double now);

  // Nothing before the second answer, as there are no rates before.
  const std::optional<Figures>& figures() const { return figures_; }
  // How many streams were open, and each rate: the last kMinute values, the newest last.
  const std::deque<double>& open_history() const { return open_history_; }
  const std::deque<double>& history(Rate rate) const { return history_[static_cast<std::size_t>(rate)]; }

  // For how long there has been no answer; nothing while there is one.
  std::optional<double> silent_for(double now) const;
  const std::string& failure() const { return failure_; }

 private:
  using Buckets = std::vector<std::pair<double, double>>;
  struct Moment {
    double at = 0;
    std::array<Buckets, 3> histograms;  // by kHistograms
  };

  std::vector<Counted> counted(const Exposition& after, const char* metric, const char* label, double seconds) const;
  double change(const Exposition& after, const char* metric) const;
  double seconds_since(const Exposition& after, double now) const;
  Figures figures_of(const Exposition& after, double seconds) const;
  void keep(const Exposition& metrics, double now);

  std::optional<Exposition> before_;
  double before_at_ = 0;
  std::optional<Figures> figures_;
  std::deque<double> open_history_;
  std::array<std::deque<double>, kRates> history_;
  std::deque<Moment> moments_;  // of the last minute
  std::optional<double> silent_since_;
  std::string failure_;
};

}  // namespace top
