// SPDX-License-Identifier: Apache-2.0
// ReportsForOthers: the reports of answers whose host has died, sent by another one (answers.report_for_others).
//
// One per worker that has a store, owned by it, on its thread; store, reports and journals outlive it. Workers with the
// option are in a set of the store, each with a sign of life that lapses later than the one for followers, and a set of its
// running answers that are to be reported. One worker of all looks, once a second, whose sign has lapsed, and reports those
// answers with the text that the store has. A key for each report shows who does, so that it is reported once: by another
// host, or from the journal of its own host when that is back (docs/PROTOCOL.md).

#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "answers/answer_reports.h"
#include "answers/report_delivery.h"
#include "metrics/counters.h"
#include "ring/timer_wheel.h"
#include "store/store.h"

namespace streaming {

class ReportsForOthers final : private StoreUser, private StoreRequestOwner, private TimerOwner {
 public:
  // Borrows all. `journals`: null if there are none.
  ReportsForOthers(Store& store, TimerWheel& timers, AnswerReports& reports, Journals* journals, Counters& counters);
  ~ReportsForOthers();

  void set_enabled(bool enabled);

  // Delivers what another process of this host has left. An answer that was cut is passed over if another host has
  // reported it; if the store cannot be asked about it for a while, it is reported.
  void deliver(Segment& segment, std::vector<AdoptedReport> reports);

 private:
  class Cut;

  // A cut answer's report in the journal, whose place is pinned.
  struct Adopted {
    Segment* segment;
    AdoptedReport report;
  };

  void on_store_ready() override;
  void on_timer(Timer&) override;
  void on_reply(StoreRequest& request, const StoreReply& reply) override;
  void on_unanswered(StoreRequest& request) override;

  // --- Whose sign has lapsed ---

  void announce();
  void show_sign();
  void on_own_sign(const StoreReply& reply);
  void begin_turn();
  void on_workers(const StoreReply& reply);
  void on_sign(const StoreReply& reply);
  void on_answers(const StoreReply& reply);

  // --- What this host's journals have ---

  void ask_about_adopted();
  void on_adopted(const StoreReply& reply);
  // The store cannot be asked about those that are left.
  void deliver_undecided();
  void deliver_decided();

  StoreConnection& commands() { return store_.commands(); }
  // Its replies are of no interest.
  void send(std::initializer_list<std::string_view> command) { commands().send(ignored_, command); }

  Store& store_;
  TimerWheel& timers_;
  AnswerReports& reports_;
  Journals* const journals_;
  Counters& counters_;
  bool enabled_ = false;
  Timer turn_timer_{*this};
  StoreRequest ignored_{*this};
  StoreRequest own_sign_{*this};
  std::optional<Time> signs_since_;  // the store has taken all of this worker's signs
  StoreRequest turn_{*this};
  StoreRequest workers_{*this};
  StoreRequest signs_{*this};
  StoreRequest answers_{*this};
  std::deque<std::string> asked_signs_;    // of these workers, in the order of the replies
  std::deque<std::string> asked_answers_;  // likewise
  std::unordered_map<std::string, std::unique_ptr<Cut>> cuts_;  // that are being reported, by id

  std::deque<Adopted> adopted_;  // those that the store was asked about come first
  std::size_t asked_adopted_ = 0;
  std::deque<Adopted> to_deliver_;
  Time adopted_since_{};
  StoreRequest adopted_request_{*this};
};

}  // namespace streaming
