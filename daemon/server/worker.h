// SPDX-License-Identifier: Apache-2.0
// Worker: one thread, one ring, one timer wheel, one stream table. It shares only its WorkerLoad with other workers.
//
// Created and destroyed by the Server while the thread does not run; run() is the thread, or begin(), turn() and end() if
// one thread does the work of several. While it runs, other threads may call only the functions marked so.

#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "answers/answer_reports.h"
#include "answers/answer_table.h"
#include "answers/journal_directory.h"
#include "answers/reports_for_others.h"
#include "answers/shared_users.h"
#include "answers/stored_answers.h"
#include "answers/user_places.h"
#include "backends/backend_set.h"
#include "config/config.h"
#include "handoff/handoff_listener.h"
#include "handoff/handoff_receiver.h"
#include "ring/completion_table.h"
#include "ring/ring.h"
#include "ring/timer_wheel.h"
#include "server/given_up_reports.h"
#include "server/answer_imports.h"
#include "server/answer_router.h"
#include "server/browser_connections.h"
#include "server/predecessor.h"
#include "server/stored_imports.h"
#include "stream/program_table.h"
#include "store/store.h"
#include "stream/stream_table.h"
#include "upstream/upstream_client.h"

namespace streaming {

// A worker's order. It is only ever raised.
enum class WorkerOrder : int {
  kServe,
  kAcceptNothing,  // and go on: no worker may end while another one could still pass it a connection
  kHandOver,  // accept nothing, and end when the last stream has ended and nobody can ask for answers any more
  kDrain,  // accept nothing, and end when the last stream has ended
  kEnd,    // end the streams too, with an error event
};

// What all workers share; each member's type describes how.
class Worker;

struct SharedByWorkers {
  std::vector<WorkerLoad> loads;  // one for each worker
  UserLimits users;
  AnswerDirectory answers;
  BrowserConnections browsers;
  ByteBudget requests;           // for the bytes that requests hold until their answers begin
  ByteBudget records{kMaxRecordsBytes};  // for what is collected of answers for their reports
  int descriptors = 0;           // Capacity::descriptors
  GivenUpReports given_up{};
  int journals = -1;             // the directory of this process's journals; -1: there are none
  // Called on a worker's thread when its listening() or running() has become false, or its settled() true.
  std::function<void()> notify;
  std::unique_ptr<Predecessor> predecessor;  // null: there is none; set before they run
  std::vector<Worker*> workers;  // set before they run; post() alone is for others
  std::atomic<std::int64_t> programs{0};  // programs that run for clients
};

class Worker final : private ClientReceiver, private TimerOwner {
 public:
  // Borrows `shared`; the load with `index` is its own.
  Worker(std::size_t index, std::shared_ptr<const Config> config, SharedByWorkers& shared, std::unique_ptr<Ring> ring,
         UniqueFd wakeup);
  ~Worker();

  // Before run(): the socket on which it accepts, and of which type the connections are.
  void listen(int socket, int type);

  // The thread's body. Workers pass connections to each other's rings, so each worker waits until all are enabled.
  void run(std::latch& all_enabled);

  // What run() consists of: begin() once, then turn() as long as the last call has returned true, then end().
  bool begin();
  // Waits until there is something to do, and does it.
  bool turn();
  void end();
  // Until turn() has something to do although no operation has completed; nothing if that is never.
  std::optional<std::int64_t> ns_to_next_timer();

  // Any thread. The worker accepts nothing before the first of these calls.
  void accept();
  void request(WorkerOrder order);
  // Runs `work` on the worker's thread at its next turn. If the worker ends before that, or has ended, `work` is
  // destroyed.
  void post(std::function<void()> work);
  // Gives it a hand-off that names an answer. If the worker ends before it takes it, the client is closed.
  void give(Client client, std::unique_ptr<HandoffRequest> request);
  // Applies to new streams; its limits apply to all. Settings that need a restart do not change.
  void reconfigure(std::shared_ptr<const Config> config);
  // As ReportDelivery::settle().
  void settle(Report report, bool in_file);
  // Delivers what another process has left.
  void adopt(AdoptedJournal journal);
  // Whether its loop has run since the last call.
  void ask_whether_alive();
  bool has_answered() const { return answered_.load(std::memory_order_acquire); }
  bool listening() const { return listening_.load(std::memory_order_acquire); }
  // Whether it has decided on all clients that were handed over before it was to accept no more.
  bool settled() const { return settled_.load(std::memory_order_acquire); }
  bool running() const { return running_.load(std::memory_order_acquire); }

  const Counters& counters() const { return counters_; }
  const StreamMetrics& stream_metrics() const { return streams_.metrics(); }
  const AnswerMetrics& answer_metrics() const { return answers_.metrics(); }
  const Histogram& handoff_durations() const { return receiver_.durations(); }
  std::uint64_t assigned() const { return load_.assigned.load(std::memory_order_relaxed); }
  std::uint64_t waiting_reports() const { return reports_.delivery().waiting(); }
  std::uint64_t lost_completions() const { return ring_->lost_completions(); }
  // Whether it can reach the store; nothing if there is none.
  std::optional<bool> has_store() const { return store_ ? std::optional(store_->connected()) : std::nullopt; }

  // On the worker's thread, as of post().
  StreamTable& streams() { return streams_; }
  AnswerTable& answers() { return answers_; }

  // After run() has returned.
  const Status& result() const { return result_; }

 private:
  // Waits for completions and hands them out. This and the next two: false if the ring is not usable any more.
  bool take_completions();
  bool wait(std::optional<std::int64_t> timeout_ns);
  bool end_because(const Error& error);
  void on_timer(Timer&) override { given_up_ = true; }
  void enter_at(CompletionTable& completions);
  // Where answers that another daemon may have are decided on.
  AnswerImports::Outcome answers_outcome();
  // Null if there is no store.
  StoredImports* make_store(const Config& config);
  void apply_to_store(const Config& config);
  void take_order(std::string_view order);
  // Null if there are none.
  Journals* make_journals(const Config& config);
  void on_connection_arrived(const Completion& completion);
  Admission on_client(Client& client, std::unique_ptr<HandoffRequest> request) override;
  Admission on_reservation(std::unique_ptr<HandoffRequest> request,
                           std::unique_ptr<Reservation>& reservation) override;
  Admission on_reserved_client(Client& client, std::unique_ptr<Reservation> reservation) override;
  // For a client that is decided on when it comes: keeps a place.
  class ReservedDecision;
  Admission reserve(std::unique_ptr<HandoffRequest> request, std::unique_ptr<Reservation>& reservation);
  Admission reserve_answer(std::unique_ptr<HandoffRequest> request, std::unique_ptr<Reservation>& reservation);
  Admission reserve_decision(std::unique_ptr<HandoffRequest> request, bool is_relay_only,
                             std::unique_ptr<Reservation>& reservation);
  // For a client whose user the store may refuse.
  class Applicant;
  bool is_user_to_be_asked(const HandoffRequest& request);
  // The store has refused its user, but an answer that it names may have begun meanwhile.
  void refuse_user(Client client, std::unique_ptr<HandoffRequest> request, const Refusal& refusal);
  // For a hand-off that names a kept answer, which another worker has; and on that worker.
  void send_on(std::uint32_t worker, Client client, std::unique_ptr<HandoffRequest> request);
  void take_over(Client client, std::unique_ptr<HandoffRequest> request);
  // Of a client that Apache does not wait for any more.
  void refuse(Client client, const Refusal& refusal);
  void answer_at_once(Client client, const Refusal& answer);
  void hold(Handle stream) override { streams_.hold(stream); }
  void start(Handle stream) override { streams_.start(stream); }
  void give_back(Handle stream) override { streams_.give_back(stream); }
  bool on_refused_client(Client& client, const Refusal& refusal) override;
  // Whether the process has descriptors left besides the client's.
  Admission check_descriptors(const Client& client) const;
  // Counts what the request holds until its answer begins, also while it waits for its client or for another daemon.
  Admission count(HandoffRequest& request);
  // Finds the backend, which takes the request; null if a program does.
  Admission find_backend(HandoffRequest& request, Backend*& backend);

  void watch_for_orders();
  void on_wakeup(const Completion& completion);
  void carry_out(WorkerOrder order);
  void do_posted_work();
  void refuse_work();
  void take_config(std::shared_ptr<const Config> config);
  void note_listener();
  void note_settled();
  // Whether it is to end once nothing is in progress.
  bool may_end() const;
  bool finished() const;
  bool backends_in_use() const;

  SharedByWorkers& shared_;
  WorkerLoad& load_;
  const UniqueFd wakeup_;  // an eventfd
  std::unique_ptr<Ring> ring_;
  CompletionTable completions_;
  TimerWheel timers_;
  Counters counters_;
  UpstreamClient http_;
  Children children_;
  OutputReader output_reader_;
  FileReader files_;
  std::unique_ptr<BackendSet> backends_;
  std::vector<std::unique_ptr<BackendSet>> replaced_backends_;  // by a reload; streams still use them
  std::optional<Journals> journals_;
  AnswerReports reports_;
  UserPlaces users_;
  AnswerTable answers_;
  AnswerImports imports_;
  std::optional<Store> store_;  // none: each host has its own answers
  std::optional<StoredAnswers> stored_answers_;
  std::optional<StoredImports> stored_imports_;
  std::optional<SharedUsers> shared_users_;  // none: each host counts its users' streams by itself
  std::optional<ReportsForOthers> reports_for_others_;
  StreamTable streams_;
  AnswerRouter answer_router_;
  ProgramTable programs_;
  HandoffReceiver receiver_;
  std::optional<HandoffListener> listener_;
  std::mutex posted_mutex_;
  bool takes_work_ = true;  // false once the thread has taken the last work
  std::vector<std::function<void()>> posted_;
  std::atomic<WorkerOrder> order_{WorkerOrder::kServe};
  WorkerOrder carried_out_ = WorkerOrder::kServe;
  Timer deadline_{*this};  // for the end, once the worker has failed
  bool given_up_ = false;  // the deadline has passed
  std::atomic<bool> answered_{true};
  std::atomic<bool> listening_{false};
  std::atomic<bool> settled_{false};
  std::atomic<bool> running_{true};
  Status result_ = success();
};

}  // namespace streaming
