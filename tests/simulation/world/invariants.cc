// SPDX-License-Identifier: Apache-2.0
#include "simulation/world/invariants.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "backends/close_cause.h"
#include "simulation/world/reachable.h"
#include "stream/limits.h"

namespace streaming::simulation {
namespace {

std::string broken_of_worker(Worker& worker, const SimulatedRing& ring, const Config& config) {
  const StreamTable& streams = worker.streams();
  const StreamMetrics& metrics = streams.metrics();
  if (metrics.active.get() > static_cast<std::uint64_t>(config.max_connections) + 1) {
    return fmt::format("{} streams, and max_connections is {}", metrics.active.get(), config.max_connections);
  }
  if (worker.assigned() < metrics.active.get()) {
    return fmt::format("{} streams have {} assignments", metrics.active.get(), worker.assigned());
  }
  if (ring.message_buffers_in_use() > ring.options().receive_buffers ||
      ring.stream_buffers_in_use() > ring.options().stream_buffers) {
    return "more buffers are in use than there are";
  }
  const AnswerMetrics& answers = worker.answers().metrics();
  // The end of an answer is kept also if there is no room, because clients who read the answer need it.
  constexpr std::uint64_t kMostEndBytes = 1024;
  const std::uint64_t most_kept =
      static_cast<std::uint64_t>(config.answers_max_kept_bytes / config.workers) + answers.ended.get() * kMostEndBytes;
  if (answers.bytes.get() > most_kept) return fmt::format("kept answers have {} bytes of {}", answers.bytes.get(), most_kept);
  if (streams.incomplete_record_bytes() > kMaxIncompleteRecordBytes + 20'000) return "too many bytes of incomplete records";
  return {};
}

std::uint64_t sum_of(const SimulatedDaemon& daemon, std::initializer_list<Counter> counters) {
  std::uint64_t sum = 0;
  for (const auto& worker : daemon.workers()) {
    for (const Counter counter : counters) sum += worker->counters().get(counter);
  }
  return sum;
}

std::uint64_t closed_streams(const SimulatedDaemon& daemon) {
  std::uint64_t closed = 0;
  for (const auto& worker : daemon.workers()) {
    for (const CloseCauseInfo& cause : kCloseCauseTable) closed += worker->stream_metrics().closed_by(cause.cause);
  }
  return closed;
}

}  // namespace

std::string broken_invariant(const SimulatedDaemon& daemon) {
  for (std::size_t i = 0; i < daemon.workers().size(); ++i) {
    const std::string broken = broken_of_worker(*daemon.workers()[i], *daemon.rings()[i], daemon.config());
    if (!broken.empty()) return daemon.name() + "." + std::to_string(i) + ": " + broken;
  }
  return {};
}

std::string not_given_back(const SimulatedDaemon& daemon) {
  const Workforce& workforce = daemon.workforce();
  if (workforce.unfinished() != 0) return fmt::format("{} assignments were not released", workforce.unfinished());
  if (workforce.users().streams() != 0) return fmt::format("{} streams still count as users'", workforce.users().streams());
  if (workforce.requests().held() != 0) return fmt::format("requests still hold {} bytes", workforce.requests().held());
  for (const SimulatedRing* ring : daemon.rings()) {
    if (ring->files_in_table() != 0) return fmt::format("{} files are left in a ring's table", ring->files_in_table());
  }
  const std::uint64_t streams = sum_of(daemon, {Counter::kStreams});
  const std::uint64_t by_transport =
      sum_of(daemon, {Counter::kPlainStreams, Counter::kTlsStreams, Counter::kRelayedStreams, Counter::kH2Streams, Counter::kH2cStreams});
  if (streams != by_transport) return fmt::format("{} streams, and by transport {}", streams, by_transport);
  if (closed_streams(daemon) < streams) return fmt::format("{} streams, of which {} have ended", streams, closed_streams(daemon));
  const std::uint64_t connections = sum_of(daemon, {Counter::kConnections});
  const std::uint64_t reservations = sum_of(daemon, {Counter::kReservations});
  const std::uint64_t handoffs = sum_of(daemon, {Counter::kHandoffs});
  if (handoffs > connections) return fmt::format("{} clients came with {} connections", handoffs, connections);
  const std::uint64_t lost = sum_of(daemon, {Counter::kReservationsClosed, Counter::kReservationsTimedOut, Counter::kReservationsInvalid});
  if (lost > reservations) return fmt::format("{} reservations, of which {} are lost", reservations, lost);
  return {};
}

void count_reached(const SimulatedDaemon& daemon, Coverage& coverage) {
  for (const auto& worker : daemon.workers()) {
    for (const CounterInfo& counter : kCounterTable) {
      const std::uint64_t value = worker->counters().get(counter.counter);
      if (value > 0) coverage.count("counter", counter_name(counter), value);
    }
    for (const CloseCauseInfo& cause : kCloseCauseTable) {
      const std::uint64_t closed = worker->stream_metrics().closed_by(cause.cause);
      if (closed > 0) coverage.count("close cause", cause.word, closed);
    }
  }
}

}  // namespace streaming::simulation
