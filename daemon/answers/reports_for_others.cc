// SPDX-License-Identifier: Apache-2.0
#include "answers/reports_for_others.h"

#include <rapidjson/document.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "answers/answer_record.h"
#include "answers/answer_report.h"
#include "answers/limits.h"
#include "answers/stored_answer.h"
#include "answers/stored_text.h"
#include "base/log.h"

namespace streaming {
namespace {

// What the key of a report has.
constexpr std::string_view kClaimed = "claimed ";   // and a worker: it is about to report the answer
constexpr std::string_view kReported = "reported";  // another host has the report, and delivers it
constexpr std::string_view kPartly = "partly";      // likewise, without the text, which only its own host knows
constexpr std::string_view kOwn = "own";            // its own host has it in a journal, and delivers it

std::string ms_text(Duration duration) {
  return std::to_string(duration.count());
}

// Whoever can write to the store has written it. What follows needs a member before it, and a NUL would end the parsing.
bool is_beginning_of_report(const std::string& text) {
  if (text.size() > kMaxReportBeginningBytes || text.find('\0') != std::string::npos) return false;
  rapidjson::Document whole;
  whole.Parse<rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag>((text + "}").c_str());
  return !whole.HasParseError() && whole.IsObject() && whole.MemberCount() > 0;
}

}  // namespace

// One answer of a worker that has died, until its report is in this worker's hands.
class ReportsForOthers::Cut final : private StoreRequestOwner, private StoreOwner, private WorkOwner {
 public:
  Cut(ReportsForOthers& owner, std::string dead, std::string id)
      : owner_(owner), dead_(std::move(dead)), id_(std::move(id)), record_(owner.reports_.records()) {
    commands().send(request_, {"HGETALL", owner_.store_.answer_key(id_)});
  }

 private:
  enum class Phase : std::uint8_t { kLooking, kClaiming, kReading, kOver };

  StoreConnection& commands() { return owner_.store_.commands(); }
  std::string report_key() const { return owner_.store_.report_key(facts_.report); }
  std::string claim() const { return std::string(kClaimed) + owner_.store_.owner(); }

  void on_reply(StoreRequest&, const StoreReply& reply) override {
    if (reply.is_error()) {
      log::warn("the cut answer {} of another host cannot be reported now: {}", id_, reply.text());
      return leave();
    }
    switch (phase_) {
      case Phase::kLooking:
        return on_facts(reply);
      case Phase::kClaiming:
        return on_claim(reply);
      case Phase::kReading:
        return on_events(reply);
      case Phase::kOver:
        return;
    }
  }
  void on_unanswered(StoreRequest&) override { leave(); }

  void on_facts(const StoreReply& reply) {
    facts_ = read_stored_facts(reply);
    report_id_ = parse_webhook_id(facts_.report);
    const bool is_cut = facts_.owner == dead_ && !facts_.has_ended() && report_id_ && find_format(facts_.format) &&
                        is_beginning_of_report(facts_.beginning);
    if (!is_cut) return forget();
    if (!owner_.reports_.delivery().knows(facts_.hook)) return leave();  // another host may
    phase_ = Phase::kClaiming;
    owner_.send({"SET", report_key(), claim(), "NX", "PX", ms_text(kReportClaimTime)});
    commands().send(request_, {"GET", report_key()});
  }

  void on_claim(const StoreReply& reply) {
    if (reply.text() == claim()) return read();
    reply.text().empty() || reply.text().starts_with(kClaimed) ? leave() : forget();
  }

  void read() {
    phase_ = Phase::kReading;
    commands().send(request_, {"XRANGE", owner_.store_.events_key(id_, facts_.run), "(" + stored_entry_id(events_), "+",
                               "COUNT", std::to_string(kStoredEntriesAtOnce)});
  }

  void on_events(const StoreReply& reply) {
    StoreReplyCursor cursor(reply);
    cursor.take_array();
    int entries = 0;
    while (const auto entry = read_stored_entry(cursor)) {
      ++entries;
      if (entry->first_event > events_ + 1) record_.cut_here();  // the store does not have what was before
      read_stored_text(entry->frames, *find_format(facts_.format), record_);
      events_ = entry->last_event;
    }
    entries == kStoredEntriesAtOnce ? read() : report();
  }

  void report() {
    phase_ = Phase::kOver;
    Report report{.id = id_of_others_report(*report_id_),
                  .hook = facts_.hook,
                  .body = whole_report(facts_.beginning, record_, {.cause = kCutCause})};
    log::info("answer {}, whose host has died, is reported to hook {}", id_, report.hook);
    owner_.counters_.add(Counter::kReportsForOthers);
    if (Journal* const journal = owner_.reports_.journal()) {
      const auto place = journal->append(
          append_report, report.id,
          ReportContent{.failures = 0, .due = wall_now(), .hook = report.hook, .body = report.body}, &ticket_);
      if (place) report.in_answers = place->segment;
    }
    owner_.reports_.delivery().add(std::move(report));
    if (!ticket_.pending()) on_taken();
  }
  void on_stored(StoreTicket&, bool) override { on_taken(); }

  // The report is this worker's from now on.
  void on_taken() {
    if (!owner_.store_.ready()) return leave();
    const bool lacks_text = events_ > 0 && record_.text().empty();
    owner_.send({"SET", report_key(), lacks_text ? kPartly : kReported, "PX", ms_text(kReportedTime)});
    forget();
  }

  // There is nothing to be done about it any more.
  void forget() {
    if (owner_.store_.ready()) owner_.send({"SREM", owner_.store_.reports_key(dead_), id_});
    leave();
  }

  // If something is left to be done, another turn does it.
  void leave() {
    phase_ = Phase::kOver;
    request_.forget();
    owner_.timers_.soon(over_);
  }
  void on_work(Work&) override { owner_.cuts_.erase(std::string(id_)); }

  ReportsForOthers& owner_;
  const std::string dead_;  // its worker
  const std::string id_;
  Phase phase_ = Phase::kLooking;
  std::uint32_t events_ = 0;  // that were read
  StoredFacts facts_;
  std::optional<ReportId> report_id_;
  AnswerRecord record_;
  StoreRequest request_{*this};
  StoreTicket ticket_{*this};
  Work over_{*this};
};

ReportsForOthers::ReportsForOthers(Store& store, TimerWheel& timers, AnswerReports& reports, Journals* journals,
                                   Counters& counters)
    : store_(store), timers_(timers), reports_(reports), journals_(journals), counters_(counters) {
  store_.add(*this);
}

ReportsForOthers::~ReportsForOthers() = default;

void ReportsForOthers::set_enabled(bool enabled) {
  enabled_ = enabled;
  if (enabled && !turn_timer_.pending()) timers_.schedule(turn_timer_, Duration(0));
}

void ReportsForOthers::on_timer(Timer&) {
  if (!adopted_.empty()) ask_about_adopted();
  if (enabled_ && store_.ready()) {
    show_sign();
    begin_turn();
  }
  if (enabled_ || !adopted_.empty()) timers_.schedule(turn_timer_, kReportTurn);
}

void ReportsForOthers::on_reply(StoreRequest& request, const StoreReply& reply) {
  if (&request == &own_sign_) {
    on_own_sign(reply);
  } else if (&request == &turn_ && reply.kind() == StoreReply::Kind::kStatus) {
    commands().send(workers_, {"SMEMBERS", store_.workers_key()});
  } else if (&request == &workers_) {
    on_workers(reply);
  } else if (&request == &signs_) {
    on_sign(reply);
  } else if (&request == &answers_) {
    on_answers(reply);
  } else if (&request == &adopted_request_) {
    on_adopted(reply);
  }
}

void ReportsForOthers::on_unanswered(StoreRequest& request) {
  if (&request == &own_sign_) signs_since_.reset();
  if (&request == &signs_) asked_signs_.clear();
  if (&request == &answers_) asked_answers_.clear();
  if (&request == &adopted_request_) asked_adopted_ = 0;
}

// --- Whose sign has lapsed ------------------------------------------------------------------------------------------

// Before the store has anything that is to be reported.
void ReportsForOthers::on_store_ready() {
  if (enabled_) announce();
}

void ReportsForOthers::announce() {
  signs_since_.reset();
  send({"SET", store_.reporting_key(store_.owner()), "1", "PX", ms_text(kReportLifeTime)});
  send({"SADD", store_.workers_key(), store_.owner()});
}

// A store that is full takes this command, and not those of announce().
void ReportsForOthers::show_sign() {
  commands().send(own_sign_, {"PEXPIRE", store_.reporting_key(store_.owner()), ms_text(kReportLifeTime)});
}

void ReportsForOthers::on_own_sign(const StoreReply& reply) {
  if (reply.integer() == 1) {
    if (!signs_since_) signs_since_ = timers_.now();
    return;
  }
  announce();
}

// One worker of all has it at one time. None looks before all that live have had the time to show it.
void ReportsForOthers::begin_turn() {
  const bool looks = turn_.pending() || workers_.pending() || signs_.pending() || answers_.pending();
  const bool knows = signs_since_ && timers_.now() - *signs_since_ >= kReportLifeTime;
  if (looks || !knows) return;
  commands().send(turn_, {"SET", store_.turn_key(), store_.owner(), "NX", "PX", ms_text(kReportTurn)});
}

void ReportsForOthers::on_workers(const StoreReply& reply) {
  StoreReplyCursor cursor(reply);
  cursor.take_array();
  while (const auto worker = cursor.take_text()) {
    if (*worker == store_.owner()) continue;
    asked_signs_.emplace_back(*worker);
    commands().send(signs_, {"EXISTS", store_.reporting_key(*worker)});
  }
}

void ReportsForOthers::on_sign(const StoreReply& reply) {
  std::string worker = std::move(asked_signs_.front());
  asked_signs_.pop_front();
  if (reply.kind() != StoreReply::Kind::kInteger || reply.integer() != 0) return;
  commands().send(answers_, {"SRANDMEMBER", store_.reports_key(worker), std::to_string(kMaxCutsAtOnce)});
  asked_answers_.push_back(std::move(worker));
}

void ReportsForOthers::on_answers(const StoreReply& reply) {
  const std::string worker = std::move(asked_answers_.front());
  asked_answers_.pop_front();
  StoreReplyCursor cursor(reply);
  if (cursor.take_array() == 0) return send({"SREM", store_.workers_key(), worker});
  while (const auto id = cursor.take_text()) {
    if (cuts_.size() >= kMaxCutsAtOnce) return;
    if (std::unique_ptr<Cut>& cut = cuts_[std::string(*id)]; !cut) cut = std::make_unique<Cut>(*this, worker, std::string(*id));
  }
}

// --- What this host's journals have ---------------------------------------------------------------------------------

void ReportsForOthers::deliver(Segment& segment, std::vector<AdoptedReport> reports) {
  const auto cut = std::stable_partition(reports.begin(), reports.end(),
                                         [this](const AdoptedReport& report) { return !enabled_ || !report.was_running; });
  if (adopted_.empty()) adopted_since_ = timers_.now();
  for (auto report = cut; report != reports.end(); ++report) adopted_.push_back({&segment, std::move(*report)});
  reports.erase(cut, reports.end());
  if (!reports.empty()) reports_.delivery().add(segment, std::move(reports));
  if (adopted_.empty()) return;
  ask_about_adopted();
  if (!turn_timer_.pending()) timers_.schedule(turn_timer_, kReportTurn);
}

void ReportsForOthers::ask_about_adopted() {
  if (timers_.now() - adopted_since_ >= kAdoptedPatience) return deliver_undecided();
  if (asked_adopted_ > 0 || !store_.ready()) return;
  asked_adopted_ = std::min(adopted_.size(), kAdoptedAtOnce);
  for (std::size_t index = 0; index < asked_adopted_; ++index) {
    const std::string key = store_.report_key(webhook_id(adopted_[index].report.id));
    send({"SET", key, kOwn, "NX", "PX", ms_text(kReportedTime)});
    commands().send(adopted_request_, {"GET", key});
  }
}

void ReportsForOthers::on_adopted(const StoreReply& reply) {
  Adopted adopted = std::move(adopted_.front());
  adopted_.pop_front();
  if (reply.text() == kOwn || reply.text() == kPartly) {
    to_deliver_.push_back(std::move(adopted));
  } else if (reply.text() == kReported) {
    log::info("report {} of a cut answer was sent by another host", webhook_id(adopted.report.id));
    journals_->waiting().note(append_done, adopted.report.id);
    journals_->waiting().unpin(adopted.segment);
  } else {
    adopted_.push_back(std::move(adopted));  // another host is about to report it, or the store is full
  }
  if (--asked_adopted_ == 0) deliver_decided();
}

void ReportsForOthers::deliver_undecided() {
  adopted_request_.forget();
  asked_adopted_ = 0;
  std::move(adopted_.begin(), adopted_.end(), std::back_inserter(to_deliver_));
  adopted_.clear();
  deliver_decided();
}

// Those of a segment together.
void ReportsForOthers::deliver_decided() {
  while (!to_deliver_.empty()) {
    Segment& segment = *to_deliver_.front().segment;
    std::vector<AdoptedReport> reports;
    while (!to_deliver_.empty() && to_deliver_.front().segment == &segment) {
      reports.push_back(std::move(to_deliver_.front().report));
      to_deliver_.pop_front();
    }
    reports_.delivery().add(segment, std::move(reports));
  }
}

}  // namespace streaming
