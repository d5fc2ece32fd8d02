// SPDX-License-Identifier: Apache-2.0
// AnswerTable: a worker's kept answers, running and ended, and the limits on them.
//
// One per worker, owned by it, on its thread. Room is made before memory is taken, so that the limits hold. The answers
// that have ended are forgotten first, the oldest first; then the answer that grows loses its oldest events, or one that
// runs, if a new one needs room for itself. An answer that clients still read is not forgotten.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "answers/answer_directory.h"
#include "answers/answer_reports.h"
#include "answers/kept_answer.h"
#include "answers/limits.h"
#include "answers/user_places.h"
#include "base/buffer.h"
#include "base/intrusive_list.h"
#include "metrics/counters.h"
#include "metrics/single_writer_value.h"
#include "ring/timer_wheel.h"

namespace streaming {

struct AnswerSettings {
  std::uint32_t max_running = 0;      // of this worker; over it: 503
  std::uint32_t max_followers = 0;    // of an answer; over it: 429
  std::size_t max_answer_bytes = 0;   // of an answer's events; over it: the oldest are dropped
  std::size_t max_kept_bytes = 0;     // of this worker's answers but their ends; if there is no room for a new one: 503
  Duration keep_after_end{0};         // then it is forgotten
  Duration max_stream_duration{0};    // of a running answer; 0: no limit
  Duration first_byte_timeout{0};
  Duration idle_timeout{0};
  bool done_event = false;
  bool log_each_answer = true;
};

// Any thread may read it.
struct AnswerMetrics {
  SingleWriterValue running;
  SingleWriterValue ended;  // and still kept
  SingleWriterValue bytes;
  SingleWriterValue followers;
};

// Is told of each answer once.
class AnswerObserver {
 public:
  virtual void on_answer_begun(const KeptAnswer& answer) = 0;
  // It has its end, and still all that it keeps.
  virtual void on_answer_ended(const KeptAnswer& answer) = 0;

 protected:
  ~AnswerObserver() = default;
};

class StoredAnswers;

class AnswerTable final : private TimerOwner, private WorkOwner {
 public:
  // Borrows all but the settings.
  AnswerTable(std::uint32_t worker, TimerWheel& timers, AnswerDirectory& directory, UserPlaces& users,
              AnswerReports& reports, Counters& counters, AnswerObserver& observer, const AnswerSettings& settings);
  ~AnswerTable();

  struct Started {
    KeptAnswer* answer = nullptr;    // null if it is refused, or if there is an answer of that id already
    std::optional<Refusal> refusal = {};
  };
  // Makes the answer that the request names. It begins when its first follower's stream asks it to answer.
  Started start(HandoffRequest& request, Format format, Backend& backend);
  // Makes one that another daemon runs: `backend` hands its frames on.
  Started import(HandoffRequest& request, Format format, Backend& backend);
  // Its first follower was refused, so it does not begin.
  void withdraw(KeptAnswer& answer);

  // This worker's answer of that id, running or ended; null if there is none.
  KeptAnswer* find(std::string_view id);
  // A user has stopped it; false if it does not run.
  bool stop(KeptAnswer& answer);

  // Ends all that run.
  void end_all();
  // Nobody can ask for any of them any more.
  void close();

  void set_settings(const AnswerSettings& settings);
  // Who brings answers to the store; outlives the table. Before there is an answer.
  void set_stored(StoredAnswers& stored) { stored_ = &stored; }

  // Whether it has none, running or ended.
  bool empty() const { return running_.empty() && to_settle_.empty() && ended_.empty(); }
  const AnswerMetrics& metrics() const { return metrics_; }
  // Calls `visit` with each answer.
  template <typename Visit>
  void for_each(Visit&& visit) {
    for (IntrusiveList<KeptAnswer>* list : {&running_, &to_settle_, &ended_}) list->for_each(visit);
  }

  // For the answers.
  std::uint32_t worker() const { return worker_; }
  TimerWheel& timers() { return timers_; }
  const AnswerSettings& settings() const { return settings_; }
  AnswerReports& reports() { return reports_; }
  // Empty, for the frames of one event.
  Buffer& frame_buffer();
  void note_follower(int change);
  // For frames of that size, which it is going to append. False if there is none, even without its other frames.
  bool make_room_for(KeptAnswer& answer, std::size_t frame_bytes);
  void count_growth(std::size_t bytes) { change_bytes(0, bytes); }
  // Calls its read_on() when the present call has returned to the loop.
  void read_later(AnswerFollower& follower);
  // It has new events.
  void on_news(const KeptAnswer& answer);
  // `reported`: its session, if it is reported.
  void on_begun(KeptAnswer& answer, const ReportedSession* reported);
  void on_ended(KeptAnswer& answer);
  // It cannot be found any more.
  void forget(const KeptAnswer& answer) { directory_.remove(answer); }
  // Calls its settle() when the present call has returned to the loop.
  void settle_later(KeptAnswer& answer);

 private:
  void on_work(Work& work) override;
  void on_timer(Timer& timer) override;
  Started make(HandoffRequest& request, Format format, Backend& backend, bool counts_for_user);
  void read_followers();
  void look_at_waits();
  void schedule_look();
  void settle(KeptAnswer& answer);
  void forget_old();
  // Whether that much more can be kept, or can be once ended answers are forgotten.
  bool make_room(std::size_t bytes);
  // Likewise, for a new answer.
  bool make_room_for_new(std::size_t bytes);
  bool drop_oldest(KeptAnswer& answer, Counter reason);
  // Of an answer that runs; false if few have any.
  bool drop_oldest_of_running();
  // Forgets the one that has ended first; false if there is none that is not read.
  bool forget_oldest();
  void note_forgotten(const KeptAnswer& answer);
  void destroy(KeptAnswer& answer);
  void trim_memory_later();
  void change_bytes(std::size_t before, std::size_t now);
  void log_end(const KeptAnswer& answer) const;

  const std::uint32_t worker_;
  TimerWheel& timers_;
  AnswerDirectory& directory_;
  UserPlaces& users_;
  AnswerReports& reports_;
  Counters& counters_;
  AnswerObserver& observer_;
  StoredAnswers* stored_ = nullptr;  // null: there is no store
  AnswerSettings settings_;
  AnswerMetrics metrics_;
  // Each answer is in one of these, which own it. They are bounded by max_running, or by max_kept_bytes.
  IntrusiveList<KeptAnswer> running_;  // those whose waits were looked at longest ago come first
  IntrusiveList<KeptAnswer> to_settle_;
  IntrusiveList<KeptAnswer> ended_;  // and settled, in the order of their ends
  IntrusiveList<AnswerFollower> to_read_;
  Work read_{*this};
  Work settle_{*this};
  Timer look_{*this};  // at waits
  Timer forget_{*this};
  Timer trim_{*this};
  std::uint64_t peak_since_trim_ = 0;  // of the bytes
  std::uint64_t forgotten_early_ = 0;  // since the last line about it
  Time forgotten_noted_{Duration(-kForgottenNotePause)};
  Buffer frame_buffer_;
};

}  // namespace streaming
