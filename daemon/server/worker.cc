// SPDX-License-Identifier: Apache-2.0
#include "server/worker.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>

#include "answers/stored_answer.h"
#include "base/log.h"
#include "server/config_check.h"
#include "server/limits.h"
#include "stream/limits.h"

namespace streaming {
namespace {

StreamSettings stream_settings(const Config& config, const WorkerLoad& load) {
  return StreamSettings{.max_streams = load.capacity,
                        .max_stream_duration = config.max_stream_duration,
                        .first_byte_timeout = config.first_byte_timeout,
                        .idle_timeout = config.idle_timeout,
                        .write_timeout = config.write_timeout,
                        .heartbeat_interval = config.heartbeat_interval,
                        .max_queued_bytes = static_cast<std::size_t>(config.max_queued_bytes),
                        .format = *find_format(config.response_format),
                        .early_head = config.early_head,
                        .done_event = config.done_event,
                        .log_each_stream = !config.benchmark};
}

AnswerSettings answer_settings(const Config& config, const SharedByWorkers& shared, const WorkerLoad& load) {
  return AnswerSettings{
      .max_running = load.capacity,
      .max_followers = static_cast<std::uint32_t>(config.answers_max_followers),
      .max_answer_bytes = static_cast<std::size_t>(config.answers_max_answer_bytes),
      .max_kept_bytes = static_cast<std::size_t>(config.answers_max_kept_bytes) / shared.loads.size(),
      .keep_after_end = config.answers_keep,
      .max_stream_duration = config.max_stream_duration,
      .first_byte_timeout = config.first_byte_timeout,
      .idle_timeout = config.idle_timeout,
      .done_event = config.done_event,
      .log_each_answer = !config.benchmark};
}

HandoffLimits handoff_limits(const Config& config) {
  HandoffLimits limits{.receive_timeout = config.handoff_timeout,
                       .max_payload_bytes = static_cast<std::size_t>(config.max_payload_bytes),
                       .allowed_users = {},
                       .client_timeout = config.write_timeout};
  for (const Account& user : config.allowed_users) limits.allowed_users.push_back(user.id);
  return limits;
}

// A hand-off on its way to the worker that has its answer. That has an assignment for it, which is given back if the
// worker ends first: the client is then closed.
struct SentOn {
  ~SentOn() {
    if (load != nullptr) load->release();
  }

  WorkerLoad* load;
  Client client;
  std::unique_ptr<HandoffRequest> request;
};

Refusal over_budget(const HandoffRequest& request, const ByteBudget& budget) {
  return Refusal{503, "the server is busy, try again soon", kRetryAfterSeconds,
                 "requests hold " + std::to_string(budget.held()) + " bytes, and this one of " +
                     std::to_string(request.bytes()) + " does not fit twice (server.max_held_bytes is " +
                     std::to_string(budget.most()) + ")",
                 Counter::kRefusedOverBudget};
}

}  // namespace

Worker::Worker(std::size_t index, std::shared_ptr<const Config> config, SharedByWorkers& shared,
               std::unique_ptr<Ring> ring, UniqueFd wakeup)
    : shared_(shared),
      load_(shared.loads[index]),
      wakeup_(std::move(wakeup)),
      ring_(std::move(ring)),
      timers_(MonotonicClock::now()),
      http_(*ring_, timers_),
      children_(*ring_, timers_),
      output_reader_(*ring_, timers_, children_),
      files_(*ring_),
      backends_(std::make_unique<BackendSet>(config, timers_, http_, output_reader_, files_, counters_)),
      reports_(*config, timers_, http_, counters_, shared.records, make_journals(*config),
               [this](Report report) {
                 shared_.given_up.add(load_.worker, std::move(report));
               }),
      users_(shared.users),
      answers_(load_.worker, timers_, shared.answers, users_, reports_, counters_, streams_,
               answer_settings(*config, shared, load_)),
      imports_(*ring_, timers_, shared.predecessor.get(), shared.descriptors, answers_, answers_outcome()),
      streams_(*ring_, timers_, load_, users_, reports_, counters_, stream_settings(*config, load_)),
      answer_router_(load_.worker, shared.answers, answers_, imports_, make_store(*config), streams_, counters_,
                     [this](std::uint32_t worker, Client client, std::unique_ptr<HandoffRequest> request) {
                       send_on(worker, std::move(client), std::move(request));
                     }),
      programs_(*ring_, children_, timers_, streams_, shared.programs),
      receiver_(*ring_, timers_, load_, counters_, handoff_limits(*config), *this) {
  enter_at(completions_);
}

Worker::~Worker() = default;

AnswerImports::Outcome Worker::answers_outcome() {
  return {.decide = [this](Client client, std::unique_ptr<HandoffRequest> request) {
            take_over(std::move(client), std::move(request));
          },
          .answer = [this](Client client, const Refusal& answer) {
            answer.counter ? refuse(std::move(client), answer) : answer_at_once(std::move(client), answer);
          }};
}

StoredImports* Worker::make_store(const Config& config) {
  if (config.store_url.empty()) return nullptr;
  store_.emplace(store_settings(config).value(), http_, timers_);
  reports_for_others_.emplace(*store_, timers_, reports_, journals_ ? &*journals_ : nullptr, counters_);
  stored_answers_.emplace(*store_, timers_, counters_);
  answers_.set_stored(*stored_answers_);
  stored_imports_.emplace(*store_, timers_, answers_, counters_, answers_outcome());
  if (config.limits_shared) {
    shared_users_.emplace(*store_, shared_.users, timers_, counters_);
    users_.set_shared(*shared_users_);
  }
  apply_to_store(config);
  return &*stored_imports_;
}

void Worker::apply_to_store(const Config& config) {
  stored_answers_->set_lifetimes(config.answers_keep, config.max_stream_duration);
  stored_answers_->set_reported_by_others(config.answers_report_for_others);
  stored_imports_->set_required(config.store_required);
  if (shared_users_) shared_users_->set_lifetime(config.max_stream_duration);
  reports_for_others_->set_enabled(config.answers_report_for_others);
}

// "stop RUN ID".
void Worker::take_order(std::string_view order) {
  const std::optional<StoredOrder> read = read_stored_order(order);
  if (!read) return;
  KeptAnswer* const answer = answers_.find(read->id);
  if (answer == nullptr || !stored_answers_->is_run(*answer, read->run)) return;
  if (read->verb == stored::kStop) answers_.stop(*answer);
  if (read->verb == stored::kWatch) stored_answers_->on_watched(*answer);
}

Journals* Worker::make_journals(const Config& config) {
  if (shared_.journals < 0) return nullptr;
  const SyncPolicy sync = config.answers_sync == "never" ? SyncPolicy::kNever
                          : config.answers_sync == "end" ? SyncPolicy::kEnd
                                                         : SyncPolicy::kAlways;
  const std::uint64_t workers = shared_.loads.size();
  const std::uint64_t max_bytes = (static_cast<std::uint64_t>(config.answers_max_journal_bytes) + workers - 1) / workers;
  journals_.emplace(*ring_, timers_, counters_,
                    Journals::Settings{
                        .directory = shared_.journals, .sync = sync, .max_bytes = max_bytes, .worker = load_.worker});
  return &*journals_;
}

void Worker::enter_at(CompletionTable& completions) {
  completions.enter<&Worker::on_wakeup>(Operation::kWakeup, *this);
  completions.enter<&Worker::on_connection_arrived>(Operation::kConnectionArrived, *this);
  completions.enter<&HandoffReceiver::on_message>(Operation::kHandoffReceive, receiver_);
  completions.enter<&HandoffReceiver::on_reply_sent>(Operation::kHandoffReply, receiver_);
  completions.enter<&HandoffReceiver::on_verdict>(Operation::kHandoffVerdict, receiver_);
  completions.enter<&Children::on_ended>(Operation::kChildEnded, children_);
  completions.enter<&OutputReader::on_read>(Operation::kChildOutput, output_reader_);
  files_.enter_at(completions);
  if (journals_) journals_->enter_at(completions);
  http_.enter_at(completions);
  streams_.enter_at(completions);
  programs_.enter_at(completions);
  imports_.enter_at(completions);
  if (store_) store_->enter_at(completions);
}

void Worker::listen(int socket, int type) {
  receiver_.set_socket_type(type);
  listener_.emplace(*ring_, timers_, socket, shared_.loads, load_, counters_, receiver_);
  completions_.enter<&HandoffListener::on_accept>(Operation::kAccept, *listener_);
  completions_.enter<&HandoffListener::on_passed>(Operation::kConnectionPassed, *listener_);
  listening_ = true;
}

// --- The loop -------------------------------------------------------------------------------------------------------

void Worker::run(std::latch& all_enabled) {
  bool goes_on = begin();
  all_enabled.arrive_and_wait();
  while (goes_on) goes_on = turn();
  end();
}

bool Worker::begin() {
  result_ = ring_->enable();
  if (!result_.ok()) return false;
  watch_for_orders();
  if (store_) store_->open([this](std::string_view order) { take_order(order); });
  return true;
}

bool Worker::turn() {
  if (!take_completions()) return false;
  timers_.expire();
  timers_.end_turn();
  if (listener_) note_listener();
  if (carried_out_ >= WorkerOrder::kHandOver) note_settled();
  if (may_end() && streams_.empty() && !backends_in_use()) reports_.delivery().leave_rest();
  return !finished();
}

void Worker::end() {
  if (!result_.ok() && listener_) {
    listener_->abandon();
    note_listener();
  }
  answers_.close();
  running_.store(false, std::memory_order_release);
  refuse_work();
  shared_.notify();
}

// Hands out what peers have sent while the worker stood still, before any limit on their silence is checked. The kernel
// delivers only a part of it at a time.
bool Worker::take_completions() {
  if (!wait(ns_to_next_timer())) return false;
  const bool stood_still = timers_.begin_turn(MonotonicClock::now());
  bool more = ring_->dispatch(completions_) || stood_still;
  for (int round = 0; stood_still && more && round < kCatchUpRounds; ++round) {
    if (!wait(0)) return false;
    more = ring_->dispatch(completions_);
  }
  return true;
}

bool Worker::wait(std::optional<std::int64_t> timeout_ns) {
  const Status waited = ring_->wait(timeout_ns);
  return waited || end_because(waited.error());
}

// The kernel had no memory for completions and has lost them (EBADR). It is unknown whose they were, and their owners
// would wait for ever, with buffers that must not be freed. So all streams get an error event and end as at shutdown.
// Those that have not ended at the deadline end with the process, which ends soon, so that a new one can start.
bool Worker::end_because(const Error& error) {
  result_ = error;
  if (error.code != EBADR) return false;
  carry_out(WorkerOrder::kEnd);
  if (!deadline_.pending()) timers_.schedule(deadline_, kEndTimeout);
  return true;
}

std::optional<std::int64_t> Worker::ns_to_next_timer() {
  const std::optional<Time> next = timers_.next_expiry();
  if (!next) return std::nullopt;
  constexpr std::int64_t kNsPerMs = 1'000'000;
  return (*next + timers_.stood_still()).time_since_epoch().count() * kNsPerMs - MonotonicClock::now_ns();
}

void Worker::on_connection_arrived(const Completion& completion) {
  receiver_.on_connection(ring_->file_of(completion.result));
}

// --- Clients --------------------------------------------------------------------------------------------------------

class Worker::Applicant final : public UserApplicant {
 public:
  Applicant(Worker& worker, Client client, std::unique_ptr<HandoffRequest> request)
      : worker_(worker), client_(std::move(client)), request_(std::move(request)) {}

  void on_decided(const std::optional<Refusal>& refusal) override {
    if (refusal) return worker_.refuse_user(std::move(client_), std::move(request_), *refusal);
    request_->user_asked = true;
    worker_.take_over(std::move(client_), std::move(request_));
  }

 private:
  Worker& worker_;
  Client client_;
  std::unique_ptr<HandoffRequest> request_;
};

Admission Worker::on_client(Client& client, std::unique_ptr<HandoffRequest> request) {
  if (Admission admission = check_descriptors(client); !admission) return admission;
  if (Admission admission = count(*request); !admission) return admission;
  const bool names_answer = !request->answer_id.empty();
  if (names_answer) {
    if (std::optional<Admission> routed = answer_router_.route(client, request)) return std::move(*routed);
  }
  Backend* backend = nullptr;
  if (Admission admission = find_backend(*request, backend); !admission) return admission;
  if (is_user_to_be_asked(*request)) {
    const std::string user = request->user_id;
    shared_users_->ask(user, std::make_unique<Applicant>(*this, std::move(client), std::move(request)));
    return admitted();
  }
  if (names_answer) return answer_router_.begin(client, std::move(request), *backend);
  if (backend == nullptr) return programs_.open(client, std::move(request), backends_->config());
  return streams_.open(client, std::move(request), *backend);
}

// Not for a client that finds no place anyway, because what the store lets in counts as a start.
bool Worker::is_user_to_be_asked(const HandoffRequest& request) {
  return shared_users_ && !request.user_asked && streams_.has_place() && shared_users_->is_to_be_asked(request.user_id);
}

void Worker::refuse_user(Client client, std::unique_ptr<HandoffRequest> request, const Refusal& refusal) {
  if (!request->answer_id.empty()) {
    const std::optional<Admission> routed = answer_router_.route(client, request);
    if (routed && *routed) return;
    if (routed) return refuse(std::move(client), routed->refusal());
  }
  refuse(std::move(client), refusal);
}

Admission Worker::on_reservation(std::unique_ptr<HandoffRequest> request, std::unique_ptr<Reservation>& reservation) {
  const std::string browser = BrowserConnections::browser_of(*request);
  Admission admission = reserve(std::move(request), reservation);
  if (admission) reservation = shared_.browsers.count(browser, std::move(reservation), timers_.clock());
  return admission;
}

Admission Worker::reserve(std::unique_ptr<HandoffRequest> request, std::unique_ptr<Reservation>& reservation) {
  if (Admission admission = count(*request); !admission) return admission;
  if (!request->answer_id.empty()) return reserve_answer(std::move(request), reservation);
  Backend* backend = nullptr;
  if (Admission admission = find_backend(*request, backend); !admission) return admission;
  if (is_user_to_be_asked(*request)) return reserve_decision(std::move(request), backend == nullptr, reservation);
  if (backend == nullptr) return programs_.reserve(std::move(request), backends_->config(), reservation);
  return streams_.reserve(std::move(request), *backend, reservation);
}

// Its client is decided on as if there were no reservation: the answer that it names may begin or end before it comes, or
// the store decides on its user.
class Worker::ReservedDecision final : public Reservation {
 public:
  ReservedDecision(Worker& worker, const StreamTable::Place& place, bool is_relay_only,
                   std::unique_ptr<HandoffRequest> request)
      : worker_(worker), place_(place), is_relay_only_(is_relay_only), request_(std::move(request)) {}
  ~ReservedDecision() override {
    if (request_) worker_.streams_.cancel_place(place_);
  }

  bool is_relay_only() const override { return is_relay_only_; }
  Admission take(Client& client) override {
    worker_.streams_.cancel_place(place_);
    return worker_.on_client(client, std::move(request_));
  }

 private:
  Worker& worker_;
  const StreamTable::Place place_;
  const bool is_relay_only_;
  std::unique_ptr<HandoffRequest> request_;  // null once a client has come
};

Admission Worker::reserve_answer(std::unique_ptr<HandoffRequest> request, std::unique_ptr<Reservation>& reservation) {
  Backend* backend = nullptr;
  if (std::optional<Refusal> refusal = answer_router_.refusal_for(*request)) return *refusal;
  if (request->action == AnswerAction::kAsk) {
    if (Admission admission = find_backend(*request, backend); !admission) return admission;
  }
  return reserve_decision(std::move(request), false, reservation);
}

Admission Worker::reserve_decision(std::unique_ptr<HandoffRequest> request, bool is_relay_only,
                                   std::unique_ptr<Reservation>& reservation) {
  StreamTable::Place place;
  if (Admission admission = streams_.take_place("", place); !admission) return admission;
  reservation = std::make_unique<ReservedDecision>(*this, place, is_relay_only, std::move(request));
  return admitted();
}

Admission Worker::on_reserved_client(Client& client, std::unique_ptr<Reservation> reservation) {
  if (Admission admission = check_descriptors(client); !admission) return admission;
  return reservation->take(client);
}

Admission Worker::check_descriptors(const Client& client) const {
  if (client.socket.get() < shared_.descriptors) return admitted();
  return Refusal{503, "all places are taken, try again soon", kRetryAfterSeconds,
                 "the process has no descriptors left; raise the limit of open files (LimitNOFILE=)"};
}

// A stop frees more than it holds.
Admission Worker::count(HandoffRequest& request) {
  const bool fits = request.count_in(shared_.requests);
  return fits || request.action == AnswerAction::kStop ? admitted() : over_budget(request, shared_.requests);
}

Admission Worker::find_backend(HandoffRequest& request, Backend*& backend) {
  const std::string_view named = backends_->config().backend;
  const std::string_view name = request.backend.empty() ? named : request.backend;
  if (std::optional<Refusal> refusal = reports_.refusal_for(request, name)) return *refusal;
  if (name == kExecBackend && request.answer_id.empty()) return admitted();
  if (name == kExecBackend) return Refusal{400, "answers of backend exec cannot be kept; leave \"answer_id\" out"};
  backend = backends_->find(name, request);
  if (backend == nullptr) return Refusal{400, "unknown backend; there are: " + backend_names()};
  if (std::optional<Refusal> refusal = backend->refusal_for(request)) return *refusal;
  return admitted();
}

void Worker::send_on(std::uint32_t worker, Client client, std::unique_ptr<HandoffRequest> request) {
  shared_.workers[worker]->give(std::move(client), std::move(request));
  load_.release();
}

void Worker::give(Client client, std::unique_ptr<HandoffRequest> request) {
  load_.take_over();
  request->user_asked = false;  // the store was asked for the other worker
  auto sent = std::make_shared<SentOn>(&load_, std::move(client), std::move(request));
  post([this, sent] {
    sent->load = nullptr;
    take_over(std::move(sent->client), std::move(sent->request));
  });
}

void Worker::take_over(Client client, std::unique_ptr<HandoffRequest> request) {
  if (streams_.closing()) return answer_at_once(std::move(client), Refusal{503, "the server is being restarted"});
  Admission admission = on_client(client, std::move(request));
  if (!admission) refuse(std::move(client), admission.refusal());
}

void Worker::refuse(Client client, const Refusal& refusal) {
  note(refusal, counters_);
  answer_at_once(std::move(client), refusal);
}

void Worker::answer_at_once(Client client, const Refusal& answer) {
  if (streams_.open_refused(client, answer)) return;
  load_.release();
  log::warn("a refused client is closed without an answer: too many are being answered");
}

bool Worker::on_refused_client(Client& client, const Refusal& refusal) {
  return streams_.open_refused(client, refusal);
}

// --- Orders ---------------------------------------------------------------------------------------------------------

void Worker::accept() {
  post([this] { listener_->start(); });
}

void Worker::request(WorkerOrder order) {
  order_.store(order, std::memory_order_release);
  eventfd_write(wakeup_.get(), 1);
}

void Worker::post(std::function<void()> work) {
  {
    const std::lock_guard lock(posted_mutex_);
    if (!takes_work_) return;
    posted_.push_back(std::move(work));
  }
  eventfd_write(wakeup_.get(), 1);
}

void Worker::do_posted_work() {
  std::vector<std::function<void()>> posted;
  {
    const std::lock_guard lock(posted_mutex_);
    posted.swap(posted_);
  }
  for (const std::function<void()>& work : posted) work();
}

void Worker::refuse_work() {
  std::vector<std::function<void()>> dropped;  // destroyed without the lock, because other threads may wait for it
  const std::lock_guard lock(posted_mutex_);
  takes_work_ = false;
  dropped.swap(posted_);
}

void Worker::reconfigure(std::shared_ptr<const Config> config) {
  post([this, config = std::move(config)] { take_config(config); });
}

void Worker::take_config(std::shared_ptr<const Config> config) {
  streams_.set_settings(stream_settings(*config, load_));
  answers_.set_settings(answer_settings(*config, shared_, load_));
  receiver_.set_limits(handoff_limits(*config));
  reports_.reconfigure(*config);
  if (store_) apply_to_store(*config);
  std::erase_if(replaced_backends_, [](const auto& backends) { return !backends->in_use(); });
  replaced_backends_.push_back(std::exchange(
      backends_, std::make_unique<BackendSet>(std::move(config), timers_, http_, output_reader_, files_, counters_)));
}

void Worker::settle(Report report, bool in_file) {
  post([this, report = std::move(report), in_file] { reports_.delivery().settle(report, in_file); });
}

void Worker::adopt(AdoptedJournal journal) {
  auto shared = std::make_shared<AdoptedJournal>(std::move(journal));
  post([this, shared] {
    Segment& segment = journals_->waiting().adopt(std::move(shared->file), shared->name, shared->bytes,
                                                  static_cast<std::uint32_t>(shared->reports.size()));
    if (reports_for_others_) return reports_for_others_->deliver(segment, std::move(shared->reports));
    reports_.delivery().add(segment, std::move(shared->reports));
  });
}

void Worker::ask_whether_alive() {
  answered_.store(false, std::memory_order_release);
  post([this] { answered_.store(true, std::memory_order_release); });
}

void Worker::watch_for_orders() {
  ring_->submit_poll(RingFile::regular(wakeup_.get()), POLLIN, Tag{Operation::kWakeup, {}});
}

void Worker::on_wakeup(const Completion&) {
  eventfd_t ignored = 0;
  eventfd_read(wakeup_.get(), &ignored);
  watch_for_orders();
  do_posted_work();
  carry_out(order_.load(std::memory_order_acquire));
}

void Worker::carry_out(WorkerOrder order) {
  if (order >= WorkerOrder::kAcceptNothing && carried_out_ < WorkerOrder::kAcceptNothing && listener_) listener_->stop();
  if (order >= WorkerOrder::kEnd && carried_out_ < WorkerOrder::kEnd) {
    receiver_.stop();
    answers_.end_all();
    streams_.close_all(CloseCause::kShutdown);
    programs_.end_all(CloseCause::kShutdown);
    reports_.delivery().end();
  }
  carried_out_ = std::max(carried_out_, order);
}

void Worker::note_listener() {
  if (listener_->open() || !listening()) return;
  listening_.store(false, std::memory_order_release);
  shared_.notify();
}

void Worker::note_settled() {
  const bool undecided = listening() || !receiver_.idle() || load_.unread.load(std::memory_order_relaxed) > 0;
  if (undecided || settled()) return;
  settled_.store(true, std::memory_order_release);
  shared_.notify();
}

bool Worker::backends_in_use() const {
  return backends_->in_use() || std::any_of(replaced_backends_.begin(), replaced_backends_.end(),
                                            [](const auto& backends) { return backends->in_use(); });
}

bool Worker::may_end() const {
  const bool can_ask_on = shared_.predecessor != nullptr && shared_.predecessor->reachable();
  return carried_out_ >= WorkerOrder::kDrain ||
         (carried_out_ == WorkerOrder::kHandOver && answers_.empty() && !can_ask_on);
}

// The assignments also count connections that other workers are still passing on.
bool Worker::finished() const {
  return given_up_ || (may_end() && !listening() && streams_.empty() && receiver_.idle() &&
                       load_.assigned.load(std::memory_order_acquire) == 0 && output_reader_.empty() &&
                       files_.empty() && programs_.empty() && children_.empty() && !backends_in_use() && imports_.empty() &&
                       (!stored_answers_ || (stored_answers_->idle() && stored_imports_->empty())) &&
                       (!shared_users_ || shared_users_->idle()) &&
                       reports_.delivery().idle() && (!journals_ || journals_->idle()));
}

}  // namespace streaming
