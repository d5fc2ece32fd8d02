// SPDX-License-Identifier: Apache-2.0
#include "server/stored_imports.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "answers/limits.h"
#include "answers/stored_answer.h"
#include "base/log.h"
#include "server/limits.h"
#include "stream/limits.h"

namespace streaming {
namespace {

// Whether this one asks the model for the answer; nobody else does from then on, for a while.
constexpr std::string_view kClaimScript =
    "if redis.call('HSETNX',KEYS[1],'run',ARGV[1])==1 then redis.call('PEXPIRE',KEYS[1],ARGV[2]) return 1 end return 0";

constexpr std::string_view kSilent = "the store does not answer";
constexpr std::string_view kGone = "the store cannot be reached";

// Without the first events, as many as that.
std::string_view without_first(std::string_view frames, std::uint32_t events) {
  constexpr std::string_view kEndOfFrame = "\n\n";
  for (; events > 0; --events) {
    const std::size_t end = frames.find(kEndOfFrame);
    if (end == std::string_view::npos) return {};
    frames.remove_prefix(end + kEndOfFrame.size());
  }
  return frames;
}

}  // namespace

// What is asked about one answer: a follow, which becomes a kept answer's session if the store has that answer; or a
// stop.
class StoredImports::Import final : public ImportedAnswer,
                                    private StoreRequestOwner,
                                    private WakeUpOwner,
                                    private TimerOwner,
                                    private WorkOwner {
 public:
  Import(Handle handle, StoredImports& owner, const HandoffRequest& request)
      : handle_(handle), owner_(owner), id_(request.answer_id), action_(request.action), key_(key_of(request)) {}

  // What hand-offs have in common that ask the same.
  static std::string key_of(const HandoffRequest& request) {
    return std::to_string(static_cast<int>(request.action)).append(request.answer_id);
  }

  void add(Client client, std::unique_ptr<HandoffRequest> request) {
    waiting_.push_back({std::move(client), std::move(request)});
  }

  // If the store does not reply, only those wait that come before that is known.
  void begin_looking() {
    if (action_ == AnswerAction::kAsk && commands().silence() >= kClaimPatience) return resolve_without_store(kSilent);
    if (action_ == AnswerAction::kAsk) owner_.timers_.schedule(patience_, kClaimPatience);
    look();
  }

  void look() {
    if (!owner_.store_.ready()) return wait_for_store();
    if (action_ == AnswerAction::kAsk) {
      commands().send(request_, {"EVAL", kClaimScript, "1", owner_.store_.answer_key(id_), owner_.store_.owner(),
                                 std::to_string(kClaimTime.count())});
    }
    commands().send(request_, {"HGETALL", owner_.store_.answer_key(id_)});
  }

  void set_sink(EventSink* sink) override {
    sink_ = sink;
    if (sink == nullptr) leave();
  }

 private:
  enum class Phase : std::uint8_t { kLooking, kStopping, kReading, kOver };

  struct Waiting {
    Client client;
    std::unique_ptr<HandoffRequest> request;
  };

  StoreConnection& commands() { return owner_.store_.commands(); }

  void on_reply(StoreRequest& request, const StoreReply& reply) override {
    if (&request == &order_) return;
    if (reply.is_error()) {
      log::warn("answer {} cannot be read from the store: {}", id_, reply.text());
      return phase_ == Phase::kReading ? read_later() : resolve_without_store(reply.text());
    }
    switch (phase_) {
      case Phase::kLooking:
        return on_looked(reply);
      case Phase::kStopping:
        if (!request_.pending()) resolve(Refusal{204, ""});
        return;
      case Phase::kReading:
        return on_read(reply);
      case Phase::kOver:
        return;
    }
  }
  void on_unanswered(StoreRequest& request) override {
    if (&request == &order_) return;
    if (phase_ != Phase::kReading) return resolve_without_store(kGone);
    read_later();
  }

  // --- Looking for it -----------------------------------------------------------------------------------------------

  void on_looked(const StoreReply& reply) {
    if (request_.pending()) {  // the claim's
      patience_.stop();
      claimed_ = reply.integer() == 1;
      return;
    }
    if (claimed_) {
      owner_.note_claim();
      return resolve({});
    }
    facts_ = read_stored_facts(reply);
    const bool may_come = facts_.only_claimed() || (!facts_.exists() && may_be_stored_again());
    if (may_come) return look_again() ? void() : resolve(busy());
    if (!facts_.exists()) return resolve({});
    if (action_ == AnswerAction::kStop) return stop();
    begin();
  }

  // A daemon that has just started still connects.
  void wait_for_store() {
    if (commands().failing() || !look_again()) resolve_without_store(kGone);
  }

  // A store that is back may have lost the answer, whose host has not found that out yet.
  bool may_be_stored_again() const { return action_ == AnswerAction::kFollow && !owner_.store_.knows_who_lives(); }

  // False if that was often enough.
  bool look_again() {
    if (++looks_ >= kMostLooks) return false;
    owner_.timers_.schedule(timer_, kLookAgainPause);
    return true;
  }

  void stop() {
    if (facts_.has_ended()) return resolve({});
    if (!facts_.user.empty() && facts_.user != waiting_.front().request->user_id) {
      return resolve(Refusal{403, "the answer belongs to another user", 0, {}, Counter::kRefusedOtherUser});
    }
    phase_ = Phase::kStopping;
    send_order(request_, stored::kStop);
  }

  // To the worker that runs it.
  void send_order(StoreRequest& request, std::string_view verb) {
    const std::string key = owner_.store_.orders_key(facts_.owner);
    commands().send(request, {"RPUSH", key, stored_order(verb, facts_.run, id_)});
    commands().send(request, {"PEXPIRE", key, std::to_string(kClaimTime.count())});
    commands().send(request, {"PUBLISH", key, ""});
  }

  void begin() {
    const AnswerTable::Started started = owner_.source_.begin(
        *this, {.id = id_, .user = facts_.user, .format = facts_.format, .backend = facts_.backend});
    if (started.refusal) return resolve(*started.refusal);
    answer_ = started.answer;
    if (answer_ == nullptr) return resolve({});  // another worker has it by now
    log::info("answer {} comes from another host", id_);
    stop_looking();
    phase_ = Phase::kReading;
    wake_up_.emplace(owner_.store_, static_cast<WakeUpOwner&>(*this), owner_.store_.wake_up_channel(id_));
    read();
  }

  // --- Reading it ---------------------------------------------------------------------------------------------------

  // Also once it listens.
  void on_wake_up() override {
    if (!watches_) watch();
    read();
  }
  void on_timer(Timer& timer) override {
    if (&timer == &patience_) return resolve_without_store(kSilent);
    if (phase_ == Phase::kLooking) return look();
    polls_ = true;
    read();
  }
  void watch() {
    if (!owner_.store_.ready() || order_.pending()) return;
    watches_ = true;
    send_order(order_, stored::kWatch);
  }
  void read_later() { owner_.timers_.schedule(timer_, kStoredPollInterval); }

  void read() {
    if (phase_ != Phase::kReading) return;
    if (request_.pending()) {
      again_ = true;
      return;
    }
    if (!owner_.store_.ready()) return read_later();
    again_ = false;
    replies_ = 0;
    events_before_ = events_;
    commands().send(request_, {"XRANGE", owner_.store_.events_key(id_, facts_.run), "(" + stored_entry_id(events_), "+",
                               "COUNT", std::to_string(kStoredEntriesAtOnce)});
    commands().send(request_, {"HGETALL", owner_.store_.answer_key(id_)});
    commands().send(request_, {"EXISTS", owner_.store_.alive_key(facts_.owner)});
  }

  void on_read(const StoreReply& reply) {
    switch (replies_++) {
      case 0:
        return take_events(reply);
      case 1:
        next_facts_ = read_stored_facts(reply);
        return;
      default:
        return on_batch_read(reply.integer() == 1);
    }
  }

  void take_events(const StoreReply& reply) {
    StoreReplyCursor cursor(reply);
    cursor.take_array();
    more_ = false;
    int entries = 0;
    while (const auto entry = read_stored_entry(cursor)) {
      more_ = ++entries == kStoredEntriesAtOnce;
      if (sink_ == nullptr || entry->last_event <= events_) continue;
      if (entry->first_event > events_ + 1) return fail(FailureKind::kFellBehind, "the store does not have its beginning");
      const std::string_view frames = without_first(entry->frames, events_ + 1 - entry->first_event);
      const std::uint32_t events = entry->last_event - events_;
      events_ = entry->last_event;
      sink_->on_event({.kind = AnswerEvent::Kind::kFrames, .index = events, .text = frames});
    }
  }

  void on_batch_read(bool owner_lives) {
    if (sink_ == nullptr) return;
    const bool is_there = next_facts_.exists() && next_facts_.run == facts_.run;
    const bool ends = is_there && next_facts_.has_ended() && events_ >= next_facts_.events;
    const bool no_wake_up_came = std::exchange(polls_, false) && events_ > events_before_;
    if (!ends && no_wake_up_came) watch();
    if (!ends && more_) return read();
    if (ends) return end();
    const bool is_missing = !is_there || !owner_lives;
    if (!is_missing) missing_since_.reset();
    if (is_missing && is_missing_for_good()) {
      return fail(FailureKind::kTruncated, is_there ? "the host that ran it has ended" : "the store has lost it");
    }
    sink_->on_event({.kind = AnswerEvent::Kind::kProgress});
    if (a_client_is_ahead() && look_again()) return;
    resolve({});
    if (phase_ != Phase::kReading) return;
    again_ ? read() : read_later();
  }

  // At the second look, a pause after the first one.
  bool is_missing_for_good() {
    const Time now = owner_.timers_.now();
    if (!missing_since_) missing_since_ = now;
    return now >= *missing_since_ + kStoreSecondLookPause && owner_.store_.knows_who_lives();
  }

  // Whether one has seen an event that the store does not have yet.
  bool a_client_is_ahead() const {
    return std::any_of(waiting_.begin(), waiting_.end(), [this](const Waiting& waiting) {
      const std::optional<Refusal> refusal = answer_->refusal_for(*waiting.request);
      return refusal && refusal->status == 503;
    });
  }

  void end() {
    facts_ = next_facts_;
    const auto known = std::find_if(kCloseCauseTable.begin(), kCloseCauseTable.end(),
                                    [this](const CloseCauseInfo& cause) { return cause.word == facts_.cause; });
    const CloseCause cause = known == kCloseCauseTable.end() ? CloseCause::kUpstreamTruncated : known->cause;
    EventSink& sink = *sink_;
    sink.on_event({.kind = AnswerEvent::Kind::kLastFrames, .text = facts_.last_frames});
    if (cause == CloseCause::kCompleted) {
      sink.on_end(FinishReason::kOther);
    } else {
      sink.on_failure({.kind = failure_of(cause).value_or(FailureKind::kTruncated),
                       .detail = {},
                       .status = facts_.status,
                       .retry_after_seconds = facts_.retry_after_seconds,
                       .message = facts_.message});
    }
    resolve({});
  }

  void fail(FailureKind kind, std::string_view detail) {
    if (sink_ != nullptr) sink_->on_failure({.kind = kind, .detail = detail});
    resolve({});
  }

  // --- The end of the question ---------------------------------------------------------------------------------------

  static Refusal unreachable() {
    return Refusal{503, "answers of several hosts cannot be reached now, try again soon", kRetryAfterSeconds, {},
                   Counter::kRefusedNoStore};
  }
  static Refusal busy() { return Refusal{503, "the answer cannot be read now, try again soon", kRetryAfterSeconds}; }

  // An answer that another worker may be about to begin is not begun here.
  void resolve_without_store(std::string_view reason) {
    const bool begins = action_ == AnswerAction::kAsk && !owner_.required_ && !facts_.exists();
    if (!begins) return resolve(unreachable());
    owner_.note_no_claim(reason);
    resolve({});
  }

  // What waits is answered, or decided on.
  void resolve(const std::optional<Refusal>& reply) {
    if (phase_ != Phase::kReading) leave();
    if (std::exchange(resolved_, true)) return;
    for (Waiting& waiting : std::exchange(waiting_, {})) {
      waiting.request->store_asked = true;
      reply ? owner_.outcome_.answer(std::move(waiting.client), *reply)
            : owner_.outcome_.decide(std::move(waiting.client), std::move(waiting.request));
    }
    // Nobody may have joined it.
    if (sink_ != nullptr && answer_->followers() == 0) {
      KeptAnswer& answer = *answer_;
      answer.end_because(FailureKind::kAbandoned);
      owner_.answers_.forget(answer);
    }
  }

  // Another one may look for the same by now.
  void stop_looking() {
    const auto found = owner_.looking_.find(key_);
    if (found != owner_.looking_.end() && found->second == this) owner_.looking_.erase(found);
  }

  void leave() {
    stop_looking();
    phase_ = Phase::kOver;
    timer_.stop();
    patience_.stop();
    wake_up_.reset();
    request_.forget();
    order_.forget();
    owner_.timers_.soon(over_);
  }
  // If its answer has ended here before the first batch was read, this daemon decides on who waits.
  void on_work(Work&) override {
    resolve({});
    owner_.imports_.destroy(*this, handle_);
  }

  const Handle handle_;
  StoredImports& owner_;
  const std::string id_;
  const AnswerAction action_;
  const std::string key_;
  Phase phase_ = Phase::kLooking;
  bool claimed_ = false;
  bool resolved_ = false;
  bool more_ = false;   // the last batch did not have all events
  bool again_ = false;  // something has happened since the batch that is under way was sent
  std::optional<Time> missing_since_;  // the answer, or the sign of its owner's life
  int looks_ = 0;
  int replies_ = 0;          // of the batch that is under way
  std::uint32_t events_ = 0;  // handed on
  std::uint32_t events_before_ = 0;  // the batch that is under way
  bool watches_ = false;  // the owner knows that it wants wake-ups
  bool polls_ = false;    // the batch that is under way was sent without a wake-up
  StoredFacts facts_;
  StoredFacts next_facts_;
  StoreRequest request_{*this};
  StoreRequest order_{*this};  // which it does not wait for
  Timer timer_{*this};
  Timer patience_{*this};  // until the claim has its reply
  Work over_{*this};
  std::optional<WakeUp> wake_up_;
  std::vector<Waiting> waiting_;
  KeptAnswer* answer_ = nullptr;  // valid while there is a sink
  EventSink* sink_ = nullptr;     // null unless the answer wants the events
};

StoredImports::StoredImports(Store& store, TimerWheel& timers, AnswerTable& answers, Counters& counters,
                             AnswerImports::Outcome outcome)
    : store_(store),
      timers_(timers),
      answers_(answers),
      counters_(counters),
      outcome_(std::move(outcome)),
      source_(answers, "stored"),
      imports_(kUnlimited) {  // each has a client, or an answer
}

StoredImports::~StoredImports() = default;

void StoredImports::note_claim() {
  if (std::exchange(alone_, false)) log::info("other hosts are asked again before an answer begins");
}

void StoredImports::note_no_claim(std::string_view reason) {
  counters_.add(Counter::kAnswersUnclaimed);
  if (!std::exchange(alone_, true)) log::warn("answers begin without asking other hosts: {}", reason);
}

void StoredImports::ask(Client client, std::unique_ptr<HandoffRequest> request) {
  const std::string key = Import::key_of(*request);
  if (const auto found = looking_.find(key); found != looking_.end()) {
    return found->second->add(std::move(client), std::move(request));
  }
  Import* const import = imports_.create(*this, *request);
  if (request->action != AnswerAction::kStop) looking_.emplace(key, import);
  import->add(std::move(client), std::move(request));
  import->begin_looking();
}

}  // namespace streaming
