// SPDX-License-Identifier: Apache-2.0
#include "answers/stored_answers.h"

#include "answers/limits.h"
#include "answers/stored_answer.h"
#include "backends/registry.h"
#include "base/log.h"
#include "base/random_id.h"

namespace streaming {
namespace {

// The end of a run, unless the hash is another one's by now: while the store could not be reached, another host may have
// begun an answer of the same id. With the run, the time that the answer is kept, and the fields.
constexpr std::string_view kEndScript =
    "if redis.call('HGET',KEYS[1],'run')~=ARGV[1] then return 0 end "
    "redis.call('HDEL',KEYS[1],'report','hook','beginning') "
    "redis.call('HSET',KEYS[1],unpack(ARGV,3)) redis.call('PEXPIRE',KEYS[1],ARGV[2]) return 1";

// What a repeated XADD gets: the entry is there.
bool is_stored_already(const StoreReply& reply) {
  return reply.text().find("equal or smaller") != std::string_view::npos;
}

}  // namespace

// One answer's way to the store.
class StoredAnswers::Stored final : public ListNode, private StoreRequestOwner {
 public:
  Stored(StoredAnswers& owner, KeptAnswer& answer, const ReportedSession* reported)
      : owner_(owner), answer_(answer), reported_(reported) {}

  const std::string& run() const { return run_; }
  bool under_way() const { return request_.pending(); }
  bool complete() const { return end_stored_; }
  void want_news() { answer_.want_news(); }
  bool has_news() const {
    return !begun_ || stored_.byte < answer_.content_end().byte || (!answer_.running() && !end_stored_);
  }

  // Until when it gathers news; nothing: it does not.
  const std::optional<Time>& gathers_until() const { return gathers_until_; }
  void gather_until(std::optional<Time> time) { gathers_until_ = time; }

  // Whether its news may be stored later: nobody waits for them, and they fit into one entry.
  bool may_gather() const {
    return begun_ && answer_.running() && !watched_ && answer_.content_end().byte - stored_.byte < kStoredEntryBytes;
  }

  // Only if nothing is under way, and there is something.
  void send() {
    failed_ = false;
    if (is_to_be_compared_) return send_question();
    if (!begun_) send_beginning();
    sent_ = stored_;
    if (stored_.byte < answer_.content_end().byte) send_events();
    sends_end_ = !answer_.running() && sent_.byte == answer_.content_end().byte;
    if (sends_end_) send_end();
    announces_ = watched_;
    if (announces_) announce(request_);
  }
  // Another host reads it, and waits for what it has missed since it looked.
  void watch() {
    watched_ = true;
    announce(owner_.announcements_);
  }
  // The store may have lost a part of it, or all. What is under way does not count.
  void on_store_back() {
    request_.forget();
    is_to_be_compared_ = true;
    begun_ = false;
    end_stored_ = false;
  }

 private:
  StoreConnection& commands() { return owner_.store_.commands(); }
  std::string events_key() const { return owner_.store_.events_key(answer_.id(), run_); }

  void announce(StoreRequest& request) {
    commands().send(request, {"PUBLISH", owner_.store_.wake_up_channel(answer_.id()), ""});
  }

  // Up to which event the store has it.
  void send_question() { commands().send(request_, {"XREVRANGE", events_key(), "+", "-", "COUNT", "1"}); }

  void on_answer_to_question(const StoreReply& reply) {
    is_to_be_compared_ = false;
    StoreReplyCursor cursor(reply);
    cursor.take_array();
    const std::optional<StoredEntry> last = read_stored_entry(cursor);
    const auto place = answer_.frames().behind(last ? last->last_event : 0);
    stored_ = place.value_or(KeptFrames::Place{});
  }

  // An earlier answer of its id may have left an end.
  void send_beginning() {
    const std::string key = owner_.store_.answer_key(answer_.id());
    commands().send(request_, {"HDEL", key, stored::kCause, stored::kEvents, stored::kStatus, stored::kRetryAfter,
                               stored::kMessage, stored::kLastFrames, stored::kReport, stored::kHook,
                               stored::kBeginning});
    commands().send(request_, {"HSET", key, stored::kRun, run_, stored::kOwner, owner_.store_.owner(), stored::kUser,
                               answer_.user(), stored::kFormat, format_name(answer_.format()), stored::kBackend,
                               backend_registry()[answer_.index()].name});
    commands().send(request_, {"PEXPIRE", key, owner_.life_ms_});
    if (reported_ != nullptr && answer_.running()) send_report(key);
  }

  // For the host that reports it if this one dies.
  void send_report(std::string_view key) {
    const std::string reports = owner_.store_.reports_key(owner_.store_.owner());
    commands().send(request_, {"HSET", key, stored::kReport, webhook_id(reported_->report_id()), stored::kHook,
                               reported_->hook(), stored::kBeginning, reported_->beginning()});
    commands().send(request_, {"SADD", reports, answer_.id()});
    commands().send(request_, {"PEXPIRE", reports, owner_.life_ms_});
  }

  // As much as one entry takes.
  void send_events() {
    const KeptFrames& frames = answer_.frames();
    const KeptFrames::Place end = answer_.content_end();
    if (sent_.byte < frames.begin().byte) sent_ = frames.begin();  // the rest is not kept any more
    const std::uint32_t first = sent_.event + 1;
    std::string& entry = owner_.entry_;
    entry.clear();
    while (sent_.byte < end.byte && entry.size() < kStoredEntryBytes) {
      KeptFrames::Span span = frames.from(sent_);
      if (span.end.byte > end.byte) {
        span.frames.remove_suffix(span.end.byte - end.byte);
        span.end = end;
      }
      entry += span.frames;
      sent_ = span.end;
    }
    const std::string key = events_key();
    // What is not kept here is not kept there either.
    const std::string oldest = stored_entry_id(frames.begin().event + 1);
    commands().send(request_, {"XADD", key, "MINID", "~", oldest, stored_entry_id(sent_.event), stored::kFirst,
                               std::to_string(first), stored::kFrames, entry});
    if (stored_.byte == 0) commands().send(request_, {"PEXPIRE", key, owner_.life_ms_});
  }

  void send_end() {
    const KeptAnswerEnd& end = *answer_.end();
    const KeptFrames& frames = answer_.frames();
    const std::string_view last =
        sent_.byte < frames.end().byte ? frames.from(sent_).frames : std::string_view();
    const std::string key = owner_.store_.answer_key(answer_.id());
    commands().send(request_, {"EVAL", kEndScript, "1", key, run_, owner_.keep_ms_, stored::kCause,
                               info(end.cause).word, stored::kEvents, std::to_string(sent_.event), stored::kStatus,
                               std::to_string(end.status), stored::kRetryAfter, std::to_string(end.retry_after_seconds),
                               stored::kMessage, answer_.end_message(), stored::kLastFrames, last});
    commands().send(request_, {"PEXPIRE", events_key(), owner_.keep_ms_});
    if (reported_ == nullptr) return;
    commands().send(request_, {"SREM", owner_.store_.reports_key(owner_.store_.owner()), answer_.id()});
  }

  void on_reply(StoreRequest&, const StoreReply& reply) override {
    if (is_to_be_compared_ && !reply.is_error()) {
      on_answer_to_question(reply);
      return owner_.on_batch_over(*this, false);
    }
    if (reply.is_error() && !is_stored_already(reply)) {
      if (!failed_) owner_.on_error(reply.text());
      failed_ = true;
    }
    if (request_.pending()) return;
    if (announces_) watched_ = reply.integer() > 0;  // how many were reached
    if (!failed_ && !is_to_be_compared_) {
      begun_ = true;
      stored_ = sent_;
      end_stored_ = sends_end_;
    }
    owner_.on_batch_over(*this, failed_);
  }
  void on_unanswered(StoreRequest&) override { owner_.on_batch_over(*this, false); }

  StoredAnswers& owner_;
  KeptAnswer& answer_;
  const ReportedSession* const reported_;  // null: no other host is to report it; valid while it runs
  const std::string run_ = random_id();
  StoreRequest request_{*this};
  KeptFrames::Place stored_;  // the store has what is before it
  KeptFrames::Place sent_;    // and will have this with the batch that is under way
  std::optional<Time> gathers_until_;
  bool watched_ = false;            // from another host
  bool announces_ = false;          // the last command of the batch that is under way is for those who watch
  bool is_to_be_compared_ = false;  // with what the store has
  bool begun_ = false;              // the store has its facts
  bool sends_end_ = false;
  bool end_stored_ = false;
  bool failed_ = false;  // a command of the batch that is under way
};

StoredAnswers::StoredAnswers(Store& store, TimerWheel& timers, Counters& counters)
    : store_(store), timers_(timers), counters_(counters) {
  store_.add(*this);
}

StoredAnswers::~StoredAnswers() = default;

void StoredAnswers::set_lifetimes(Duration keep, Duration longest) {
  keep_ms_ = std::to_string(std::max(keep, Duration(1)).count());
  life_ms_ = std::to_string((longest > Duration(0) ? longest + keep : kUnlimitedStoredLife).count());
}

bool StoredAnswers::is_run(const KeptAnswer& answer, std::string_view run) const {
  const auto found = answers_.find(&answer);
  return found != answers_.end() && found->second->run() == run;
}

bool StoredAnswers::idle() const {
  return !store_.ready() || (unstored_.empty() && gathering_.empty() && under_way_ == 0);
}

void StoredAnswers::on_begun(KeptAnswer& answer, const ReportedSession* reported) {
  answers_.emplace(&answer, std::make_unique<Stored>(*this, answer, reported_by_others_ ? reported : nullptr));
  on_news(answer);
}

void StoredAnswers::on_news(const KeptAnswer& answer) {
  const auto found = answers_.find(&answer);
  if (found == answers_.end()) return;
  Stored& stored = *found->second;
  const bool is_to_be_sent = stored.linked() && !stored.gathers_until();
  if (!stored.under_way() && !is_to_be_sent) queue(stored);
}

void StoredAnswers::queue(Stored& stored) {
  stored.unlink();
  if (stored.may_gather()) {
    stored.gather_until(timers_.now() + kStoreGathering);
    gathering_.push_back(stored);
    if (!gathered_.pending()) timers_.schedule(gathered_, kStoreGathering);
    return;
  }
  stored.gather_until({});
  unstored_.push_back(stored);
  if (!retry_.pending()) timers_.at_turn_end(send_);
}

void StoredAnswers::on_watched(const KeptAnswer& answer) {
  const auto found = answers_.find(&answer);
  if (found == answers_.end() || !store_.ready()) return;
  Stored& stored = *found->second;
  stored.watch();
  if (stored.gathers_until()) queue(stored);
}

void StoredAnswers::on_forgotten(const KeptAnswer& answer) {
  const auto found = answers_.find(&answer);
  if (found == answers_.end()) return;
  if (!found->second->complete()) {
    counters_.add(Counter::kAnswersNotStored);
    log::warn("answer {} is forgotten before the store has all of it", answer.id());
  }
  if (found->second->under_way()) --under_way_;
  answers_.erase(found);
}

void StoredAnswers::on_batch_over(Stored& stored, bool failed) {
  --under_way_;
  if (!stored.has_news()) {
    stored.want_news();
  } else if (!stored.linked()) {
    queue(stored);
  }
  if (failed) return timers_.schedule(retry_, kStoreRetryPause);
  if (!unstored_.empty()) timers_.at_turn_end(send_);
}

void StoredAnswers::on_store_ready() {
  under_way_ = 0;
  for (auto& [answer, stored] : answers_) {
    stored->on_store_back();
    queue(*stored);
  }
  retry_.stop();
  if (!unstored_.empty()) timers_.at_turn_end(send_);
}

void StoredAnswers::on_timer(Timer& timer) {
  if (&timer == &gathered_) send_gathered();
  if (!unstored_.empty()) timers_.at_turn_end(send_);
}

void StoredAnswers::send_gathered() {
  while (Stored* const stored = gathering_.front()) {
    if (*stored->gathers_until() > timers_.now()) return timers_.schedule_at(gathered_, *stored->gathers_until());
    stored->unlink();
    stored->gather_until({});
    unstored_.push_back(*stored);
  }
}

void StoredAnswers::on_work(Work&) {
  if (retry_.pending()) return;
  while (store_.ready() && store_.commands().has_room()) {
    Stored* const stored = unstored_.pop_front();
    if (stored == nullptr) return;
    if (!stored->has_news()) {
      stored->want_news();
      continue;
    }
    ++under_way_;
    stored->send();
  }
}

void StoredAnswers::on_error(std::string_view error) {
  counters_.add(Counter::kStoreErrors);
  if (timers_.now() < next_complaint_) return;
  next_complaint_ = timers_.now() + kStoreComplaintPause;
  log::warn("the store does not take answers: {}; they are stored when it does", error);
}

}  // namespace streaming
