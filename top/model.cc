// SPDX-License-Identifier: Apache-2.0
#include "top/model.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>

namespace top {
namespace {

constexpr double kMinuteSeconds = 60;
constexpr const char* kHistograms[] = {"daemon_first_token_seconds", "daemon_stream_duration_seconds",
                                       "daemon_handoff_duration_seconds"};

// Causes of an end that are nobody's failure.
bool is_good_end(const std::string& cause) {
  return cause == "completed" || cause == "client_gone" || cause == "refused" || cause == "stopped";
}

// What has been counted since; a daemon that was started anew began with nothing.
double since(double before, double after) {
  return after < before ? after : after - before;
}

void push(std::deque<double>& history, double value) {
  history.push_back(value);
  if (history.size() > kMinute) history.pop_front();
}

double per_second(const std::vector<Counted>& ends, bool good) {
  double sum = 0;
  for (const Counted& end : ends) {
    if (is_good_end(end.name) == good) sum += end.per_second;
  }
  return sum;
}

}  // namespace

std::vector<Counted> Model::counted(const Exposition& after, const char* metric, const char* label,
                                    double seconds) const {
  std::vector<Counted> all;
  std::map<std::string, double> earlier = before_->by(metric, label);
  for (const auto& [name, total] : after.by(metric, label)) {
    if (total > 0) all.push_back({name, since(earlier[name], total) / seconds, total});
  }
  std::stable_sort(all.begin(), all.end(), [](const Counted& left, const Counted& right) {
    return std::pair(left.per_second, left.total) > std::pair(right.per_second, right.total);
  });
  return all;
}

// By the daemon's own clock, as answers take more or less time to come; by ours where it was started anew.
double Model::seconds_since(const Exposition& after, double now) const {
  const double daemons = after.sum("daemon_uptime_seconds") - before_->sum("daemon_uptime_seconds");
  return daemons > 0 ? daemons : now - before_at_;
}

double Model::change(const Exposition& after, const char* metric) const {
  return since(before_->sum(metric), after.sum(metric));
}

void Model::keep(const Exposition& metrics, double now) {
  Moment moment{.at = now, .histograms = {}};
  for (std::size_t i = 0; i < moment.histograms.size(); ++i) moment.histograms[i] = metrics.buckets(kHistograms[i]);
  const bool started_anew = !moments_.empty() && !moment.histograms[1].empty() &&
                            !moments_.back().histograms[1].empty() &&
                            moment.histograms[1].back().second < moments_.back().histograms[1].back().second;
  if (started_anew) moments_.clear();
  moments_.push_back(std::move(moment));
  while (moments_.size() > 2 && moments_[1].at <= now - kMinuteSeconds) moments_.pop_front();
}

Figures Model::figures_of(const Exposition& after, double seconds) const {
  Figures figures;
  const auto builds = after.by("daemon_build_info", "version");
  if (!builds.empty()) figures.version = builds.begin()->first;
  figures.uptime_s = after.sum("daemon_uptime_seconds");
  figures.open = after.sum("daemon_active_streams");
  figures.peak = after.sum("daemon_peak_streams");
  figures.places = after.sum("daemon_max_connections");
  std::map<int, double> workers;  // by number, and not by how that is written
  for (const auto& [worker, streams] : after.by("daemon_worker_streams", "worker")) {
    workers[std::atoi(worker.c_str())] = streams;
  }
  for (const auto& [worker, streams] : workers) figures.workers.push_back(streams);
  figures.ended = counted(after, "daemon_streams_ended_total", "cause", seconds);
  figures.refused = counted(after, "daemon_refusals_total", "reason", seconds);
  figures.backends = counted(after, "daemon_backend_requests_total", "backend", seconds);
  figures.tokens = counted(after, "daemon_tokens_total", "model", seconds);
  figures.rates = {change(after, "daemon_streams_total") / seconds,
                   per_second(figures.ended, true),
                   per_second(figures.ended, false),
                   change(after, "daemon_refusals_total") / seconds,
                   change(after, "daemon_chunks_sent_total") / seconds,
                   change(after, "daemon_bytes_sent_total") / seconds};
  Quantiles* const quantiles[] = {&figures.first_event, &figures.duration, &figures.handoff};
  for (std::size_t i = 0; i < std::size(quantiles); ++i) {
    const Buckets &first = moments_.front().histograms[i], &last = moments_.back().histograms[i];
    *quantiles[i] = {quantile(0.5, first, last), quantile(0.95, first, last), quantile(0.99, first, last)};
  }
  std::map<std::string, double> answers = after.by("daemon_kept_answers", "state");
  figures.running_answers = answers["running"];
  figures.ended_answers = answers["ended"];
  figures.kept_bytes = after.sum("daemon_kept_answer_bytes");
  figures.followers = after.sum("daemon_answer_followers");
  figures.waiting_reports = after.sum("daemon_reports_waiting");
  figures.undelivered_reports = after.sum("daemon_reports_undelivered");
  for (const auto& [worker, connected] : after.by("daemon_store_connected", "worker")) {
    figures.store_workers += 1;
    figures.store_connected += connected;
  }
  figures.resident_bytes = after.sum("process_resident_memory_bytes");
  figures.cpu_share = change(after, "process_cpu_seconds_total") / seconds;
  figures.open_files = after.sum("process_open_fds");
  figures.max_files = after.sum("process_max_fds");
  return figures;
}

void Model::take(Exposition metrics, double now) {
  silent_since_.reset();
  failure_.clear();
  keep(metrics, now);
  if (const double seconds = before_ ? seconds_since(metrics, now) : 0; seconds > 0) {
    figures_ = figures_of(metrics, seconds);
    push(open_history_, figures_->open);
    for (std::size_t i = 0; i < kRates; ++i) push(history_[i], figures_->rates[i]);
  }
  before_ = std::move(metrics);
  before_at_ = now;
}

void Model::fail(std::string reason, double now) {
  if (!silent_since_) silent_since_ = now;
  failure_ = std::move(reason);
}

std::optional<double> Model::silent_for(double now) const {
  if (!silent_since_) return std::nullopt;
  return now - *silent_since_;
}

}  // namespace top
