// SPDX-License-Identifier: Apache-2.0
#include "server/metric_families.h"

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "backends/registry.h"
#include "base/log.h"

namespace streaming {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Workers = std::span<const std::unique_ptr<Worker>>;

constexpr double kMsPerSecond = 1000;
constexpr double kUsPerSecond = 1e6;

// Appends families; samples belong to the last one.
class Families {
 public:
  void begin(std::string_view name, std::string_view help, MetricType type) {
    families_.push_back({std::string(name), std::string(help), type, {}});
  }
  void counter(Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    families_.back().metric.push_back(std::move(metric));
  }
  void gauge(Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
  }
  // The sum of the histograms that `of` finds in each worker.
  void histogram(Labels labels, Workers workers, const std::function<const Histogram&(const Worker&)>& of) {
    ClientMetric metric;
    metric.label = std::move(labels);
    std::uint64_t count = 0;
    const std::span<const std::int64_t> bounds_us = of(*workers.front()).bounds_us();
    for (std::size_t bucket = 0; bucket <= bounds_us.size(); ++bucket) {
      for (const auto& worker : workers) count += of(*worker).count(bucket);
      const bool bounded = bucket < bounds_us.size();
      metric.histogram.bucket.push_back({count, bounded ? static_cast<double>(bounds_us[bucket]) / kUsPerSecond
                                                        : std::numeric_limits<double>::infinity()});
    }
    metric.histogram.sample_count = count;
    for (const auto& worker : workers) {
      metric.histogram.sample_sum += static_cast<double>(of(*worker).sum_us()) / kUsPerSecond;
    }
    families_.back().metric.push_back(std::move(metric));
  }

  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

template <typename Figure>
double sum(Workers workers, Figure&& figure) {
  std::uint64_t total = 0;
  for (const auto& worker : workers) total += figure(*worker);
  return static_cast<double>(total);
}

Labels labels_of(std::string_view written) {
  if (written.empty()) return {};
  const std::size_t equals = written.find('=');
  return {{std::string(written.substr(0, equals)), std::string(written.substr(equals + 1))}};
}

void add_counters(Families& families, Workers workers) {
  std::string_view metric;
  for (const CounterInfo& counter : kCounterTable) {
    if (counter.metric != metric) families.begin(counter.metric, counter.help, MetricType::Counter);
    metric = counter.metric;
    families.counter(labels_of(counter.label),
                     sum(workers, [&](const Worker& worker) { return worker.counters().get(counter.counter); }));
  }
  // Existing dashboards use this name.
  families.begin("daemon_connections_rejected_total", "Clients refused for lack of a place", MetricType::Counter);
  families.counter({}, sum(workers, [](const Worker& worker) { return worker.counters().get(Counter::kRefusedFull); }));
  families.begin("daemon_ring_overflows_total", "Completions that the kernel has lost", MetricType::Counter);
  families.counter({}, sum(workers, [](const Worker& worker) { return worker.lost_completions(); }));
  families.begin("daemon_log_lines_lost_total", "Lines of the log that could not be written", MetricType::Counter);
  families.counter({}, lost_log_lines());
}

// The reason in the vocabulary of existing daemons' dashboards; empty: no error.
std::string_view error_reason(CloseCause cause) {
  switch (cause) {
    case CloseCause::kCompleted:
    case CloseCause::kRefused:
    case CloseCause::kStopped:
      return "";
    case CloseCause::kClientGone:
      return "client_disconnected";
    case CloseCause::kWriteTimeout:
    case CloseCause::kFirstByteTimeout:
    case CloseCause::kIdleTimeout:
    case CloseCause::kTooLong:
    case CloseCause::kFellBehind:
      return "timeout";
    case CloseCause::kShutdown:
      return "canceled";
    case CloseCause::kUpstreamUnreachable:
    case CloseCause::kUpstreamTruncated:
      return "network";
    default:
      return "other";
  }
}

void add_stream_errors(Families& families, Workers workers) {
  families.begin("daemon_stream_errors_total", "Streams that ended before their answer was complete",
                 MetricType::Counter);
  for (const std::string_view reason : {"client_disconnected", "timeout", "canceled", "network", "other"}) {
    families.counter({{"reason", std::string(reason)}}, sum(workers, [&](const Worker& worker) {
                       std::uint64_t count = 0;
                       for (const CloseCauseInfo& cause : kCloseCauseTable) {
                         if (error_reason(cause.cause) == reason)
                           count += worker.stream_metrics().closed_by(cause.cause);
                       }
                       return count;
                     }));
  }
}

void add_process(Families& families, const ProcessFigures& process) {
  families.begin("process_cpu_seconds_total", "User and system time of the process", MetricType::Counter);
  families.counter({}, process.cpu_seconds);
  for (const auto& [name, help, value] : {
           std::tuple{"process_resident_memory_bytes", "Memory that is in RAM", process.resident_bytes},
           {"process_virtual_memory_bytes", "Address space", process.virtual_bytes},
           {"process_start_time_seconds", "Start of the process in seconds since 1970", process.start_time_seconds},
           {"process_open_fds", "Open descriptors of the process, without those in the rings' tables",
            process.open_descriptors},
           {"process_max_fds", "The limit of open descriptors", process.most_descriptors},
           {"process_threads", "Threads", process.threads},
       }) {
    families.begin(name, help, MetricType::Gauge);
    families.gauge({}, value);
  }
}

void add_capacity(Families& families, const Capacity& capacity) {
  families.begin("daemon_max_connections", "Limit of streams at once", MetricType::Gauge);
  families.gauge({}, static_cast<double>(capacity.streams()));
  families.begin("daemon_max_upstream_connections", "Descriptors that are left for connections to LLM APIs",
                 MetricType::Gauge);
  families.gauge({}, static_cast<double>(capacity.upstream_connections()));
}

void add_requests(Families& families, const ByteBudget& requests) {
  families.begin("daemon_held_bytes",
                 "Bytes that requests hold until their answers begin: payloads, attachments, and requests to APIs",
                 MetricType::Gauge);
  families.gauge({}, static_cast<double>(requests.held()));
  families.begin("daemon_max_held_bytes", "Limit of daemon_held_bytes; over it clients are refused",
                 MetricType::Gauge);
  families.gauge({}, static_cast<double>(requests.most()));
}

void add_streams(Families& families, Workers workers) {
  auto active = [](const Worker& worker) { return worker.stream_metrics().active.get(); };
  families.begin("daemon_active_connections", "Hand-offs and streams that are open", MetricType::Gauge);
  families.gauge({}, sum(workers, [](const Worker& worker) { return worker.assigned(); }));
  families.begin("daemon_active_streams", "Streams that are open", MetricType::Gauge);
  families.gauge({}, sum(workers, active));
  families.begin("daemon_peak_streams", "The most streams at once, as the sum of the workers' peaks",
                 MetricType::Gauge);
  families.gauge({}, sum(workers, [](const Worker& worker) { return worker.stream_metrics().peak.get(); }));
  families.begin("daemon_worker_streams", "Streams that are open, by worker", MetricType::Gauge);
  for (std::size_t index = 0; index < workers.size(); ++index) {
    families.gauge({{"worker", std::to_string(index)}}, static_cast<double>(active(*workers[index])));
  }
  families.begin("daemon_streams_ended_total", "Streams that have ended, by cause", MetricType::Counter);
  for (const CloseCauseInfo& cause : kCloseCauseTable) {
    families.counter({{"cause", std::string(cause.word)}}, sum(workers, [&](const Worker& worker) {
                       return worker.stream_metrics().closed_by(cause.cause);
                     }));
  }
  add_stream_errors(families, workers);
  families.begin("daemon_handoff_duration_seconds", "From a connection's arrival to its message",
                 MetricType::Histogram);
  families.histogram(
      {}, workers, [](const Worker& worker) -> auto& { return worker.handoff_durations(); });
  families.begin("daemon_stream_duration_seconds", "From a stream's opening to its end", MetricType::Histogram);
  families.histogram(
      {}, workers, [](const Worker& worker) -> auto& { return worker.stream_metrics().duration; });
  families.begin("daemon_first_token_seconds", "From a stream's opening to its first event", MetricType::Histogram);
  families.histogram(
      {}, workers, [](const Worker& worker) -> auto& { return worker.stream_metrics().first_token; });
}

void add_answers(Families& families, const AnswerTotals& answers) {
  const auto gauge = [&](Labels labels, std::uint64_t value) {
    families.gauge(std::move(labels), static_cast<double>(value));
  };
  families.begin("daemon_kept_answers", "Kept answers that run, or have ended and can still be read",
                 MetricType::Gauge);
  gauge({{"state", "running"}}, answers.running);
  gauge({{"state", "ended"}}, answers.ended);
  families.begin("daemon_kept_answer_bytes", "Bytes that kept answers hold", MetricType::Gauge);
  gauge({}, answers.bytes);
  families.begin("daemon_answer_followers", "Clients that read kept answers", MetricType::Gauge);
  gauge({}, answers.followers);
  families.begin("daemon_reports_waiting", "Reports of ended answers that their hooks have not taken yet",
                 MetricType::Gauge);
  gauge({}, answers.waiting_reports);
  families.begin("daemon_reports_undelivered", "Reports that were given up and wait for --resend", MetricType::Gauge);
  gauge({}, answers.undelivered_reports);
}

void add_store(Families& families, Workers workers) {
  families.begin("daemon_store_connected", "1 if the worker can reach the store, otherwise 0; absent without a store",
                 MetricType::Gauge);
  for (std::size_t index = 0; index < workers.size(); ++index) {
    const std::optional<bool> connected = workers[index]->has_store();
    if (connected) families.gauge({{"worker", std::to_string(index)}}, *connected ? 1 : 0);
  }
}

void add_backends(Families& families, Workers workers) {
  const std::span<const BackendEntry> registry = backend_registry();
  auto for_each = [&](auto&& add) {
    for (std::size_t index = 0; index < registry.size(); ++index) {
      add(Labels{{"backend", std::string(registry[index].name)}}, index);
    }
  };
  auto counter = [&](SingleWriterValue BackendMetrics::*figure) {
    for_each([&](Labels labels, std::size_t index) {
      families.counter(std::move(labels), sum(workers, [&](const Worker& worker) {
                         return (worker.stream_metrics().backends[index].*figure).get();
                       }));
    });
  };
  auto histogram = [&](Histogram BackendMetrics::*figure) {
    for_each([&](Labels labels, std::size_t index) {
      families.histogram(
          std::move(labels),
          workers, [&](const Worker& worker) -> auto& { return worker.stream_metrics().backends[index].*figure; });
    });
  };
  families.begin("daemon_backend_requests_total", "Streams opened, by backend", MetricType::Counter);
  counter(&BackendMetrics::requests);
  families.begin("daemon_backend_errors_total", "Streams that failed because of the backend",
                 MetricType::Counter);
  counter(&BackendMetrics::errors);
  families.begin("daemon_backend_duration_seconds", "From a stream's opening to its end, by backend",
                 MetricType::Histogram);
  histogram(&BackendMetrics::duration);
  families.begin("daemon_backend_ttfb_seconds", "From a stream's opening to its first event, by backend",
                 MetricType::Histogram);
  histogram(&BackendMetrics::first_token);
}

void add_tokens(Families& families, Workers workers) {
  TokenCounts total;
  for (const auto& worker : workers) {
    const TokenCounts tokens = worker->stream_metrics().tokens();
    for (const auto& [key, counted] : tokens.all()) total.add(key.first, key.second, counted);
  }
  families.begin("daemon_tokens_total", "Tokens, by the upstreams' count", MetricType::Counter);
  for (const auto& [key, counted] : total.all()) {
    const Labels labels{{"backend", std::string(backend_registry()[key.first].name)}, {"model", key.second}};
    for (const auto& [direction, count] : {std::pair{"input", counted.input}, std::pair{"output", counted.output}}) {
      Labels with_direction = labels;
      with_direction.push_back({"direction", direction});
      families.counter(std::move(with_direction), static_cast<double>(count));
    }
  }
}

}  // namespace

std::vector<MetricFamily> metric_families(Workers workers, const ByteBudget& requests, const Capacity& capacity,
                                          Engine engine, const ProcessFigures& process, const AnswerTotals& answers,
                                          Duration uptime) {
  Families families;
  families.begin("daemon_build_info", "1, with the version and the engine as its labels", MetricType::Gauge);
  families.gauge({{"version", STREAMING_DAEMON_VERSION}, {"engine", std::string(name(engine))}}, 1);
  families.begin("daemon_uptime_seconds", "Seconds since the process's start", MetricType::Gauge);
  families.gauge({}, static_cast<double>(uptime.count()) / kMsPerSecond);
  add_process(families, process);
  add_capacity(families, capacity);
  add_requests(families, requests);
  add_counters(families, workers);
  add_streams(families, workers);
  add_answers(families, answers);
  add_store(families, workers);
  add_backends(families, workers);
  add_tokens(families, workers);
  return families.take();
}

}  // namespace streaming
