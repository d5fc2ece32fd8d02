// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_table.h"

#include <malloc.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "answers/answer_follower.h"
#include "answers/limits.h"
#include "answers/stored_answers.h"
#include "backends/registry.h"
#include "base/log.h"
#include "base/log_line.h"

namespace streaming {

AnswerTable::AnswerTable(std::uint32_t worker, TimerWheel& timers, AnswerDirectory& directory, UserPlaces& users,
                         AnswerReports& reports, Counters& counters, AnswerObserver& observer,
                         const AnswerSettings& settings)
    : worker_(worker),
      timers_(timers),
      directory_(directory),
      users_(users),
      reports_(reports),
      counters_(counters),
      observer_(observer),
      settings_(settings) {
}

AnswerTable::~AnswerTable() {
  close();
  for (IntrusiveList<KeptAnswer>* list : {&running_, &to_settle_, &ended_}) {
    while (KeptAnswer* answer = list->pop_front()) delete answer;
  }
}

// --- Beginning ------------------------------------------------------------------------------------------------------

AnswerTable::Started AnswerTable::start(HandoffRequest& request, Format format, Backend& backend) {
  if (metrics_.running.get() >= settings_.max_running) {
    return {.refusal = Refusal{503, "too many answers run, try again soon", kFollowAgainAfterSeconds}};
  }
  const UserLimits::Entry entry = users_.enter(request.user_id, timers_.clock());
  if (entry.refused()) return {.refusal = entry.refusal()};
  Started started = make(request, format, backend, entry.user != nullptr);
  if (started.answer == nullptr && entry.user != nullptr) users_.cancel(*entry.user);
  return started;
}

AnswerTable::Started AnswerTable::import(HandoffRequest& request, Format format, Backend& backend) {
  return make(request, format, backend, false);
}

AnswerTable::Started AnswerTable::make(HandoffRequest& request, Format format, Backend& backend,
                                       bool counts_for_user) {
  std::unique_ptr<KeptAnswer> made = KeptAnswer::make(*this, request, format, backend, counts_for_user);
  if (!make_room_for_new(made->kept_bytes())) {
    return {.refusal = Refusal{503, "no room for another answer, try again soon", kFollowAgainAfterSeconds, {},
                               Counter::kRefusedFull}};
  }
  if (!directory_.enter(*made)) return {};
  KeptAnswer& answer = *made.release();
  running_.push_back(answer);
  backend.enter();
  metrics_.running.add();
  change_bytes(0, answer.kept_bytes());
  return {.answer = &answer};
}

void AnswerTable::withdraw(KeptAnswer& answer) {
  if (answer.counts_for_user()) users_.leave(answer.user(), 0, timers_.clock());
  metrics_.running.set(metrics_.running.get() - 1);
  answer.source().leave();
  destroy(answer);
}

void AnswerTable::on_begun(KeptAnswer& answer, const ReportedSession* reported) {
  if (!look_.pending()) schedule_look();
  if (answer.is_import()) return;
  counters_.add(Counter::kAnswers);
  observer_.on_answer_begun(answer);
  if (stored_ != nullptr) stored_->on_begun(answer, reported);
}

void AnswerTable::on_news(const KeptAnswer& answer) {
  if (stored_ != nullptr) stored_->on_news(answer);
}

KeptAnswer* AnswerTable::find(std::string_view id) {
  return static_cast<KeptAnswer*>(directory_.find_own(id, worker_));
}

// --- Ending ---------------------------------------------------------------------------------------------------------

bool AnswerTable::stop(KeptAnswer& answer) {
  if (!answer.running()) return false;
  counters_.add(Counter::kStops);
  answer.end_because(FailureKind::kStopped);
  return true;
}

void AnswerTable::end_all() {
  for_each([](KeptAnswer& answer) {
    if (answer.running()) answer.end_because(FailureKind::kShutdown);
  });
}

void AnswerTable::close() {
  for_each([this](KeptAnswer& answer) { directory_.remove(answer); });
}

void AnswerTable::on_ended(KeptAnswer& answer) {
  metrics_.running.set(metrics_.running.get() - 1);
  metrics_.ended.add();
  if (answer.counts_for_user()) users_.leave(answer.user(), answer.usage().all_tokens(), timers_.clock());
  if (!answer.is_import()) {
    if (settings_.log_each_answer) log_end(answer);
    observer_.on_answer_ended(answer);
  }
  on_news(answer);
  settle_later(answer);
}

void AnswerTable::settle_later(KeptAnswer& answer) {
  answer.unlink();
  to_settle_.push_back(answer);
  timers_.soon(settle_);
}

void AnswerTable::on_work(Work& work) {
  if (&work == &read_) return read_followers();
  while (KeptAnswer* answer = to_settle_.front()) settle(*answer);
}

void AnswerTable::settle(KeptAnswer& answer) {
  const std::size_t bytes = answer.kept_bytes();
  const bool had_ended = !answer.running();
  answer.settle();
  change_bytes(bytes, answer.kept_bytes());
  if (!had_ended) return;  // it has ended now, and is to be settled again
  answer.unlink();
  ended_.push_back(answer);
  if (!forget_.pending()) timers_.schedule(forget_, settings_.keep_after_end);
}

// --- Waiting --------------------------------------------------------------------------------------------------------

void AnswerTable::on_timer(Timer& timer) {
  if (&timer == &look_) return look_at_waits();
  if (&timer == &forget_) return forget_old();
  malloc_trim(0);
  peak_since_trim_ = metrics_.bytes.get();
}

// At a part of the answers that run. They share one timer, because each would pay for its own.
void AnswerTable::look_at_waits() {
  for (std::uint64_t count = metrics_.running.get() / kWaitLookParts + 1; count > 0; --count) {
    KeptAnswer* const answer = running_.pop_front();
    if (answer == nullptr) return;
    running_.push_back(*answer);
    answer->end_if_overdue();
  }
  schedule_look();
}

void AnswerTable::schedule_look() {
  Duration shortest = std::min(settings_.first_byte_timeout, settings_.idle_timeout);
  if (settings_.max_stream_duration > Duration(0)) shortest = std::min(shortest, settings_.max_stream_duration);
  timers_.schedule(look_, std::max(Duration(1), shortest / (kWaitLooks * kWaitLookParts)));
}

// --- Followers ------------------------------------------------------------------------------------------------------

void AnswerTable::read_later(AnswerFollower& follower) {
  to_read_.push_back(follower);
  timers_.soon(read_);
}

// Those that are there now: one that has more to read comes back, and others get their share first.
void AnswerTable::read_followers() {
  IntrusiveList<AnswerFollower> present;
  present.splice_back(to_read_);
  while (AnswerFollower* follower = present.pop_front()) follower->read_on();
}

void AnswerTable::note_follower(int change) {
  metrics_.followers.set(metrics_.followers.get() + static_cast<std::uint64_t>(change));
}

// --- Forgetting -----------------------------------------------------------------------------------------------------

void AnswerTable::forget_old() {
  for (int count = 0; count < kForgottenAtOnce; ++count) {
    KeptAnswer* oldest = ended_.front();
    if (oldest == nullptr) return;
    const Time due = oldest->ended() + settings_.keep_after_end - timers_.stood_still();
    if (due > timers_.now()) return timers_.schedule_at(forget_, due);
    oldest->unlink();
    if (!oldest->in_use()) {
      destroy(*oldest);
    } else {
      oldest->keep_anew();
      ended_.push_back(*oldest);
    }
  }
  timers_.schedule(forget_, Duration(0));
}

bool AnswerTable::forget_oldest() {
  for (int count = 0; count < kPassedOver; ++count) {
    KeptAnswer* oldest = ended_.pop_front();
    if (oldest == nullptr) return false;
    if (!oldest->in_use()) {
      note_forgotten(*oldest);
      destroy(*oldest);
      return true;
    }
    oldest->keep_anew();
    ended_.push_back(*oldest);
  }
  return false;
}

// One line for many: at the limit each answer that ends makes room for one.
void AnswerTable::note_forgotten(const KeptAnswer& answer) {
  counters_.add(Counter::kAnswersForgotten);
  ++forgotten_early_;
  if (timers_.now() - forgotten_noted_ < kForgottenNotePause) return;
  log::warn("kept answers have reached answers.max_kept_bytes; forgotten before their time since the last such line: {}, "
            "the last {}; raise it, or lower answers.keep_ms",
            forgotten_early_, answer.id());
  forgotten_noted_ = timers_.now();
  forgotten_early_ = 0;
}

void AnswerTable::destroy(KeptAnswer& answer) {
  CHECK(!answer.in_use() && answer.followers() == 0);
  if (stored_ != nullptr) stored_->on_forgotten(answer);
  directory_.remove(answer);
  change_bytes(answer.kept_bytes(), 0);
  if (!answer.running()) metrics_.ended.set(metrics_.ended.get() - 1);
  delete &answer;
  trim_memory_later();
}

// --- Memory ---------------------------------------------------------------------------------------------------------

Buffer& AnswerTable::frame_buffer() {
  if (frame_buffer_.size() > kFrameBufferBytes) frame_buffer_.reset();
  frame_buffer_.clear();
  return frame_buffer_;
}

void AnswerTable::change_bytes(std::size_t before, std::size_t now) {
  metrics_.bytes.set(metrics_.bytes.get() - before + now);
  peak_since_trim_ = std::max(peak_since_trim_, metrics_.bytes.get());
}

// At a quarter of the last peak: so it costs little for each answer.
void AnswerTable::trim_memory_later() {
  const bool over = peak_since_trim_ >= kTrimAtKeptBytes && metrics_.bytes.get() <= peak_since_trim_ / 4;
  if (over && !trim_.pending()) timers_.schedule(trim_, kKeptTrimPause);
}

bool AnswerTable::make_room_for(KeptAnswer& answer, std::size_t frame_bytes) {
  std::size_t growth = answer.growth_by(frame_bytes);
  if (growth == 0) return true;
  while (answer.frames().bytes() + growth > settings_.max_answer_bytes) {
    if (!drop_oldest(answer, Counter::kAnswersCutAtOwnLimit)) return false;
    growth = answer.growth_by(frame_bytes);
  }
  while (!make_room(growth)) {
    if (!drop_oldest(answer, Counter::kAnswersCutAtCommonLimit)) return false;
    growth = answer.growth_by(frame_bytes);
  }
  return true;
}

bool AnswerTable::make_room_for_new(std::size_t bytes) {
  while (!make_room(bytes)) {
    if (!drop_oldest_of_running()) return false;
  }
  return true;
}

bool AnswerTable::make_room(std::size_t bytes) {
  while (metrics_.bytes.get() + bytes > settings_.max_kept_bytes) {
    if (!forget_oldest()) return false;
  }
  return true;
}

bool AnswerTable::drop_oldest_of_running() {
  for (int count = 0; count < kPassedOver; ++count) {
    KeptAnswer* const answer = running_.pop_front();
    if (answer == nullptr) return false;
    running_.push_back(*answer);
    if (drop_oldest(*answer, Counter::kAnswersCutAtCommonLimit)) return true;
  }
  return false;
}

bool AnswerTable::drop_oldest(KeptAnswer& answer, Counter reason) {
  const bool is_first = answer.frames().begin().byte == 0;
  const std::size_t bytes = answer.frames().bytes();
  if (!answer.drop_oldest()) return false;
  change_bytes(bytes, answer.frames().bytes());
  if (!is_first) return true;
  counters_.add(reason);
  log::warn("answer {} has reached {} and loses its oldest events; who joins it now cannot read all of it", answer.id(),
            reason == Counter::kAnswersCutAtOwnLimit ? "answers.max_answer_bytes" : "answers.max_kept_bytes");
  return true;
}

void AnswerTable::set_settings(const AnswerSettings& settings) {
  settings_ = settings;
  make_room(0);
}

void AnswerTable::log_end(const KeptAnswer& answer) const {
  LogLine line("answer ended");
  line.add("answer", answer.id()).add("request_id", answer.request_id()).add("user", answer.user());
  line.add("model", answer.asked_model()).add("backend", backend_registry()[answer.index()].name);
  line.add("cause", info(answer.end()->cause).word).add("events", answer.events()).add("bytes", answer.bytes());
  line.add("followers", answer.followers());
  if (const std::optional<Duration> first = answer.first_event_after()) line.add("first_token_ms", first->count());
  line.add("duration_ms", (answer.ended() - answer.opened()).count());
  if (const auto output = answer.usage().output_tokens.value_or(0); output > 0) {
    line.add("input_tokens", answer.usage().input_tokens.value_or(0)).add("output_tokens", output);
  }
  line.write();
}

}  // namespace streaming
