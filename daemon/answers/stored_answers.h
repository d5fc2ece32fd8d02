// SPDX-License-Identifier: Apache-2.0
// StoredAnswers: brings this worker's kept answers to the store, where the workers of other hosts read them.
//
// One per worker that has a store, owned by it, on its thread; the AnswerTable calls it. What is to be stored is not
// copied to a queue: it is what the kept answer has behind the place up to which the store has it. So nothing is lost
// while the store cannot be reached, as long as the answer is kept. An answer has one batch of commands under way at a
// time, so that its events are stored in order; what comes meanwhile is the next batch. While no other host reads the
// answer, its events are gathered for a second, because a command for each would be most of the cost.
//
// An answer's hash (its fields: see stored_answer.h) has its facts, and later its end. The entries of its stream
// have the numbers of their last events as ids, so that what is stored twice does no harm.

#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "answers/kept_answer.h"
#include "answers/reported_session.h"
#include "base/intrusive_list.h"
#include "metrics/counters.h"
#include "ring/timer_wheel.h"
#include "store/store.h"

namespace streaming {

class StoredAnswers final : private StoreUser, private StoreRequestOwner, private WorkOwner, private TimerOwner {
 public:
  // Borrows all. set_lifetimes() comes before the first answer.
  StoredAnswers(Store& store, TimerWheel& timers, Counters& counters);
  ~StoredAnswers();

  // `keep`: how long an answer is kept after its end; `longest`: how long one runs at most, 0: no limit. Applies to
  // what begins or ends from now on.
  void set_lifetimes(Duration keep, Duration longest);
  // Whether the store has what another host needs to report an answer of this one. Applies to what begins from now on.
  void set_reported_by_others(bool reported) { reported_by_others_ = reported; }

  // Whether it is that run of the answer, and not an earlier or later one of its id.
  bool is_run(const KeptAnswer& answer, std::string_view run) const;
  // Whether the store has all, or cannot be reached.
  bool idle() const;
  // Another host has told that it reads the answer: it hears of news from now on.
  void on_watched(const KeptAnswer& answer);

  // --- For the AnswerTable ---

  // `reported`: its session, if it is reported.
  void on_begun(KeptAnswer& answer, const ReportedSession* reported);
  // It has new events, which were asked for (KeptAnswer::want_news()), or has ended.
  void on_news(const KeptAnswer& answer);
  // It is destroyed after this. What the store does not have of it is lost.
  void on_forgotten(const KeptAnswer& answer);

 private:
  class Stored;

  // Its news are to be stored: now, or later with others.
  void queue(Stored& stored);
  // Those whose time has come.
  void send_gathered();
  void on_batch_over(Stored& stored, bool failed);
  void on_error(std::string_view error);
  void on_store_ready() override;
  void on_reply(StoreRequest&, const StoreReply&) override {}  // to an announcement
  void on_unanswered(StoreRequest&) override {}
  void on_work(Work&) override;
  void on_timer(Timer& timer) override;

  Store& store_;
  TimerWheel& timers_;
  Counters& counters_;
  bool reported_by_others_ = false;
  std::string keep_ms_;
  std::string life_ms_;
  std::unordered_map<const KeptAnswer*, std::unique_ptr<Stored>> answers_;
  IntrusiveList<Stored> unstored_;   // and no batch of them is under way
  IntrusiveList<Stored> gathering_;  // likewise, but not before their time, in its order
  std::size_t under_way_ = 0;        // batches
  StoreRequest announcements_{*this};
  Work send_{*this};
  Timer gathered_{*this};  // when the first that gathers is to be stored
  Timer retry_{*this};     // pending: the store has refused something
  Time next_complaint_{};
  std::string entry_;  // what is put together for one
};

}  // namespace streaming
