// SPDX-License-Identifier: Apache-2.0
// Workforce: the workers, their threads and what they share.
//
// Owned by the Server and used on the main thread, except workers(), which the StatusServer's threads read. Made and
// destroyed while no worker runs.

#pragma once

#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "config/config.h"
#include "ring/ring.h"
#include "server/capacity.h"
#include "server/summary.h"
#include "server/worker.h"

namespace streaming {

class Workforce {
 public:
  explicit Workforce(const Config& config);
  ~Workforce();

  using RingMaker = std::function<Result<std::unique_ptr<Ring>>(const RingOptions& options)>;
  // `make_ring` makes each worker's; `direct_files`: clients can be in its table. `journals`: the directory of this
  // process's; -1 if there is none.
  Status make(std::shared_ptr<const Config> config, const Capacity& capacity, bool direct_files,
              const RingMaker& make_ring, int journals);
  // Before make().
  void set_predecessor(std::unique_ptr<Predecessor> predecessor) { shared_.predecessor = std::move(predecessor); }
  Predecessor* predecessor() const { return shared_.predecessor.get(); }
  void note_predecessor_end();
  // Gives a hand-off of the successor to the worker that has its answer; false if none has it.
  bool give_for_successor(Client& client, std::unique_ptr<HandoffRequest>& request);
  // The answer is not here: asks the predecessor for it, if there is one, or closes the client.
  void ask_predecessor_for_successor(Client client, std::unique_ptr<HandoffRequest> request);
  // All workers accept on `socket`, which has this type.
  void listen(UniqueFd socket, int type);
  // The Error reports why a worker has no thread; then the process can only end.
  Status start();
  void join();

  // All workers run and may pass connections to each other.
  void accept();

  // Readable if a worker has ended, no longer accepts, or is settled.
  int events() const { return events_.get(); }
  void clear_events();

  // Call it again when listening() has become false: before, no worker carries out more than kAcceptNothing, except to
  // end at once.
  void request(WorkerOrder order);
  void reconfigure(const std::shared_ptr<const Config>& config);

  // Reports that workers have given up, for files.
  GivenUpReports& given_up_reports() { return shared_.given_up; }
  std::span<const std::unique_ptr<Worker>> workers() const { return workers_; }
  // Any thread may read these two.
  const ByteBudget& requests() const { return shared_.requests; }
  const UserLimits& users() const { return shared_.users; }
  bool any_running() const;
  // Whether a connection can still arrive.
  bool listening() const;
  // Whether all clients that came before the successor accepted are decided on.
  bool settled() const;
  // Whether the loops of all workers have run since the last call.
  bool all_alive();
  // The number of hand-offs and streams that have not ended.
  std::uint64_t unfinished() const;

  // Adds up the workers' counts, after join(). It does not set the elapsed time.
  Summary sum_up() const;

 private:
  void set_user_limits(const Config& config);

  UniqueFd events_;  // an eventfd that the workers write
  UniqueFd socket_;  // open as long as a worker listens
  SharedByWorkers shared_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::optional<std::latch> all_enabled_;
  std::vector<std::thread> threads_;
};

}  // namespace streaming
