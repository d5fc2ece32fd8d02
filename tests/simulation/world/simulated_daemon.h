// SPDX-License-Identifier: Apache-2.0
// SimulatedDaemon: a process of the daemon in a simulated world: its Workforce, each worker with a simulated ring, and what
// the Server does about them on the main thread.
//
// Made and destroyed by the World, on its thread, which does the work of all threads of the process in turns. A process
// that has crashed is never destroyed, because a crash runs no destructors: it stays in memory until the program ends.

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "answers/journal_directory.h"
#include "server/successor_channel.h"
#include "server/workforce.h"
#include "simulation/world/disk.h"
#include "simulation/world/kernel.h"
#include "simulation/world/pair_socket.h"
#include "simulation/world/simulated_ring.h"

namespace streaming::simulation {

// How a process is made. Drawn from the seed.
struct DaemonSettings {
  bool direct_files = true;
  int most_descriptors = 4096;
  std::string journal_directory;  // empty: there is none
};

class SimulatedDaemon final : private FileWaiter {
 public:
  // `predecessor`: its end of the channel to the daemon whose place it takes; null: there is none.
  SimulatedDaemon(Kernel& kernel, Disk& disk, std::string name, std::shared_ptr<const Config> config,
                  const DaemonSettings& settings, std::shared_ptr<PairSocket> predecessor);
  ~SimulatedDaemon();

  // Listens, and lets the workers run.
  void start(std::shared_ptr<ListeningSocket> listener, int socket_type);
  void reload(std::shared_ptr<const Config> config);
  // SIGUSR2: another process takes its place, with the other end of the channel.
  void begin_upgrade(std::shared_ptr<PairSocket> successor);
  // SIGTERM: accepts no more, and ends the streams that have not ended when `patience` is over.
  void end(Duration patience);
  // kill -9: all it has is closed, and nothing of it happens any more.
  void crash();

  // Whether a thread runs.
  bool running() const { return running_; }
  // Whether it accepts hand-offs, and another process may take its place.
  bool serving() const { return running_ && order_ == WorkerOrder::kServe && successor_ == nullptr; }
  // Whether answers run, or are still to be reported.
  bool has_to_report() const;
  // Another process has left its journals behind.
  void expect_journals();
  // Whether a worker has failed.
  bool failed() const;
  const Workforce& workforce() const { return *workforce_; }
  std::span<const std::unique_ptr<Worker>> workers() const { return workforce_->workers(); }
  const std::vector<SimulatedRing*>& rings() const { return rings_; }
  const ProcessFiles& files() const { return files_; }
  const std::string& name() const { return name_; }
  const Config& config() const { return *config_; }
  // Ends the process whose threads have ended. Returns the number of descriptors that were not closed.
  std::size_t leave();

 private:
  // One worker's thread.
  struct Thread {
    Worker* worker = nullptr;
    SimulatedRing* ring = nullptr;
    std::string name;
    bool running = false;
    std::uint64_t turn = 0;         // number of the turn that is scheduled
    std::int64_t turn_due_ns = -1;  // of it; -1: none is
  };

  template <typename Call>
  void as_process(Call&& call);
  // There may be something for the main thread.
  void on_change() override;
  void look_at_all();
  void look_at_successor();
  void start_threads();
  void schedule_turn(Thread& thread, std::int64_t delay_ns);
  bool stands_still();
  void wake(std::size_t thread);
  void take_turn(Thread& thread);
  void after_turn(Thread& thread, bool goes_on);
  void end_thread(Thread& thread);
  void handle_worker_event();
  void begin_drain(WorkerOrder order);
  void handle_deadline();
  void count_adopted(const AdoptedJournal& journal) const;
  void look_at_journals_later();
  void look_at_journals();

  Kernel& kernel_;
  Disk& disk_;
  const std::string name_;
  ProcessFiles files_;
  std::shared_ptr<const Config> config_;
  const DaemonSettings settings_;
  std::optional<JournalDirectory> journals_;
  std::unique_ptr<Workforce> workforce_;
  std::vector<SimulatedRing*> rings_;
  std::vector<Thread> threads_;
  WorkerOrder order_ = WorkerOrder::kServe;
  bool look_scheduled_ = false;  // look_at_all()
  std::shared_ptr<PairSocket> predecessor_;  // null once it has ended
  std::shared_ptr<PairSocket> successor_;    // null if there is none
  std::optional<SuccessorChannel> successor_channel_;  // none before the successor serves
  bool running_ = false;
  bool crashed_ = false;
  std::size_t next_adopter_ = 0;
  std::uint64_t looks_ = 0;  // at journals, that were scheduled
  int idle_looks_ = 0;       // those of them, in a row, that have found nothing
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  // for what is scheduled
};

}  // namespace streaming::simulation
