// SPDX-License-Identifier: Apache-2.0
#include "server/workforce.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <system_error>

#include "handoff/limits.h"
#include "server/memory_limit.h"
#include "stream/limits.h"
#include "upstream/limits.h"

namespace streaming {
namespace {

Result<UniqueFd> make_eventfd() {
  UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return Error::from_errno("cannot create an eventfd", errno);
  return fd;
}

RingOptions ring_options(std::uint32_t streams, std::uint32_t clients_in_table, bool direct_files) {
  return {.direct_files = direct_files,
          .client_files = std::min(streams + kMaxRefusals, clients_in_table),
          .connection_files = kMaxHandoffConnections,
          .receive_buffers = kReceiveBuffers,
          .receive_bytes = handoff_protocol::kMaxMessageBytes,
          .stream_buffers = kStreamBuffers,
          .stream_bytes = kStreamBufferBytes};
}

}  // namespace

Workforce::Workforce(const Config& config)
    : shared_{.loads = {},
              .users = UserLimits(0, 0),
              .answers = {},
              .browsers = {},
              .requests = ByteBudget(most_held_bytes(config)),
              .notify = [this] { eventfd_write(events_.get(), 1); },
              .predecessor = nullptr,
              .workers = {}} {
  set_user_limits(config);
}

Workforce::~Workforce() = default;

Status Workforce::make(std::shared_ptr<const Config> config, const Capacity& capacity, bool direct_files,
                       const RingMaker& make_ring, int journals) {
  Result<UniqueFd> events = make_eventfd();
  if (!events) return events.error();
  events_ = std::move(*events);
  shared_.descriptors = capacity.descriptors;
  shared_.journals = journals;
  std::vector<WorkerLoad>& loads = shared_.loads;
  loads = std::vector<WorkerLoad>(capacity.streams_of_worker.size());
  for (std::size_t index = 0; index < loads.size(); ++index) {
    Result<std::unique_ptr<Ring>> ring =
        make_ring(ring_options(capacity.streams_of_worker[index], capacity.clients_in_table, direct_files));
    if (!ring) return ring.error();
    Result<UniqueFd> wakeup = make_eventfd();
    if (!wakeup) return wakeup.error();
    loads[index].worker = static_cast<std::uint32_t>(index);
    loads[index].ring = (*ring)->number();
    loads[index].capacity = capacity.streams_of_worker[index];
    workers_.push_back(std::make_unique<Worker>(index, config, shared_, std::move(*ring), std::move(*wakeup)));
    shared_.workers.push_back(workers_.back().get());
  }
  return success();
}

void Workforce::note_predecessor_end() {
  predecessor()->note_end();
  for (const std::unique_ptr<Worker>& worker : workers_) worker->post([] {});  // it may be what a worker waits for
}

bool Workforce::give_for_successor(Client& client, std::unique_ptr<HandoffRequest>& request) {
  const auto found = shared_.answers.find(request->answer_id, request->user_id);
  if (found) workers_[found->worker]->give(std::move(client), std::move(request));
  return found.has_value();
}

void Workforce::ask_predecessor_for_successor(Client client, std::unique_ptr<HandoffRequest> request) {
  if (predecessor() == nullptr || !predecessor()->reachable()) return;
  const std::size_t worker = std::hash<std::string_view>()(request->answer_id) % workers_.size();
  workers_[worker]->give(std::move(client), std::move(request));
}

void Workforce::listen(UniqueFd socket, int type) {
  socket_ = std::move(socket);
  for (const std::unique_ptr<Worker>& worker : workers_) worker->listen(socket_.get(), type);
}

Status Workforce::start() try {
  all_enabled_.emplace(static_cast<std::ptrdiff_t>(workers_.size()));
  for (const std::unique_ptr<Worker>& worker : workers_) {
    threads_.emplace_back([this, &worker] { worker->run(*all_enabled_); });
  }
  return success();
} catch (const std::system_error& error) {
  return Error{std::string("cannot start a worker: ") + error.what() +
               "; raise the limits of memory and threads (ulimit -v, ulimit -u, TasksMax=) or lower workers"};
}

void Workforce::join() {
  for (std::thread& thread : threads_) thread.join();
}

void Workforce::clear_events() {
  eventfd_t ignored = 0;
  eventfd_read(events_.get(), &ignored);
  if (!listening()) socket_.reset();
}

void Workforce::accept() {
  for (const std::unique_ptr<Worker>& worker : workers_) worker->accept();
}

void Workforce::request(WorkerOrder order) {
  if (order < WorkerOrder::kEnd && listening()) order = WorkerOrder::kAcceptNothing;
  for (const std::unique_ptr<Worker>& worker : workers_) worker->request(order);
}

void Workforce::set_user_limits(const Config& config) {
  shared_.users.set_limits(config.max_streams_per_user, config.user_rate_limit);
  shared_.users.set_token_budget(config.user_token_budget, std::chrono::seconds(config.user_token_window_seconds));
}

void Workforce::reconfigure(const std::shared_ptr<const Config>& config) {
  set_user_limits(*config);
  shared_.requests.set_most(most_held_bytes(*config));
  for (const std::unique_ptr<Worker>& worker : workers_) worker->reconfigure(config);
}

bool Workforce::listening() const {
  return std::any_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return worker->running() && worker->listening(); });
}

bool Workforce::any_running() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& worker) { return worker->running(); });
}

bool Workforce::all_alive() {
  const bool alive = std::all_of(workers_.begin(), workers_.end(),
                                 [](const auto& worker) { return !worker->running() || worker->has_answered(); });
  for (const std::unique_ptr<Worker>& worker : workers_) worker->ask_whether_alive();
  return alive;
}

bool Workforce::settled() const {
  return std::all_of(workers_.begin(), workers_.end(),
                     [](const auto& worker) { return !worker->running() || worker->settled(); });
}

std::uint64_t Workforce::unfinished() const {
  std::uint64_t unfinished = 0;
  for (const WorkerLoad& load : shared_.loads) unfinished += load.assigned.load(std::memory_order_relaxed);
  return unfinished;
}

Summary Workforce::sum_up() const {
  Summary summary;
  for (const std::unique_ptr<Worker>& worker : workers_) {
    for (const CounterInfo& counter : kCounterTable) {
      summary.counters[static_cast<std::size_t>(counter.counter)] += worker->counters().get(counter.counter);
    }
    summary.peak_streams += worker->stream_metrics().peak.get();
    for (const CloseCauseInfo& cause : kCloseCauseTable) {
      summary.closed[static_cast<std::size_t>(cause.cause)] += worker->stream_metrics().closed_by(cause.cause);
    }
    if (!worker->result()) summary.failed = true;
  }
  return summary;
}

}  // namespace streaming
