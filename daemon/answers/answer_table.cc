// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_table.h"

#include <utility>

#include "answers/answer_follower.h"
#include "answers/limits.h"
#include "backends/registry.h"
#include "base/log.h"
#include "base/log_line.h"

namespace streaming {

AnswerTable::AnswerTable(std::uint32_t worker, TimerWheel& timers, AnswerDirectory& directory, UserLimits& users,
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
}

// --- Beginning ------------------------------------------------------------------------------------------------------

AnswerTable::Started AnswerTable::start(HandoffRequest& request, Format format, Backend& backend) {
  if (metrics_.running.get() >= settings_.max_running) {
    return {.refusal = Refusal{503, "too many answers run, try again soon", kFollowAgainAfterSeconds}};
  }
  const UserLimits::Entry entry = users_.enter(request.user_id, timers_.clock());
  if (entry.refused()) {
    return {.refusal = Refusal{429, "too many answers at once or in a minute, try again later",
                               entry.retry_after_seconds}};
  }
  return {.answer = make(request, format, backend, entry.user)};
}

KeptAnswer* AnswerTable::import(HandoffRequest& request, Format format, Backend& backend) {
  return make(request, format, backend, nullptr);
}

KeptAnswer* AnswerTable::make(HandoffRequest& request, Format format, Backend& backend, UserLimits::User* user) {
  KeptAnswer* answer = answers_.create(*this, request, format, backend, user);
  CHECK(answer != nullptr);
  backend.enter();
  metrics_.running.add();
  change_bytes(0, answer->kept_bytes());
  make_room();
  if (directory_.enter(*answer)) return answer;
  withdraw(*answer);
  return nullptr;
}

void AnswerTable::withdraw(KeptAnswer& answer) {
  if (answer.user_count() != nullptr) users_.leave(*answer.user_count());
  metrics_.running.set(metrics_.running.get() - 1);
  answer.source().leave();
  destroy(answer);
}

void AnswerTable::on_begun(const KeptAnswer& answer) {
  if (answer.is_import()) return;
  counters_.add(Counter::kAnswers);
  observer_.on_answer_begun(answer);
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
  if (answer.user_count() != nullptr) users_.leave(*answer.user_count());
  if (!answer.is_import()) {
    if (settings_.log_each_answer) log_end(answer);
    observer_.on_answer_ended(answer);
  }
  settle_later(answer);
}

void AnswerTable::settle_later(KeptAnswer& answer) {
  if (!answer.linked()) to_settle_.push_back(answer);
  timers_.soon(settle_);
}

void AnswerTable::on_work(Work&) {
  while (KeptAnswer* answer = to_settle_.pop_front()) settle(*answer);
}

void AnswerTable::settle(KeptAnswer& answer) {
  const std::size_t bytes = answer.kept_bytes();
  const bool had_ended = !answer.running();
  answer.settle();
  change_bytes(bytes, answer.kept_bytes());
  if (!had_ended) return;  // it has ended now, and is to be settled again
  ended_.push_back(answer);
  if (!forget_.pending()) timers_.schedule(forget_, settings_.keep_after_end);
}

// --- Forgetting -----------------------------------------------------------------------------------------------------

void AnswerTable::on_timer(Timer&) {
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
      counters_.add(Counter::kAnswersForgotten);
      log::write(log::Level::kDebug,
                 "answer {} is forgotten before its time: kept answers have reached answers.max_kept_bytes",
                 oldest->id());
      destroy(*oldest);
      return true;
    }
    oldest->keep_anew();
    ended_.push_back(*oldest);
  }
  return false;
}

void AnswerTable::destroy(KeptAnswer& answer) {
  CHECK(!answer.in_use() && answer.followers() == 0);
  directory_.remove(answer);
  change_bytes(answer.kept_bytes(), 0);
  if (!answer.running()) metrics_.ended.set(metrics_.ended.get() - 1);
  answers_.destroy(answer, answer.handle());
}

// --- Memory ---------------------------------------------------------------------------------------------------------

Buffer& AnswerTable::frame_buffer() {
  if (frame_buffer_.size() > kFrameBufferBytes) frame_buffer_.reset();
  frame_buffer_.clear();
  return frame_buffer_;
}

void AnswerTable::note_follower(int change) {
  metrics_.followers.set(metrics_.followers.get() + static_cast<std::uint64_t>(change));
}

void AnswerTable::change_bytes(std::size_t before, std::size_t now) {
  metrics_.bytes.set(metrics_.bytes.get() - before + now);
}

void AnswerTable::on_grown(KeptAnswer& answer, std::size_t frame_bytes_before) {
  change_bytes(frame_bytes_before, answer.frames().bytes());
  while (answer.frames().bytes() > settings_.max_answer_bytes) {
    if (!drop_oldest(answer, Counter::kAnswersCutAtOwnLimit)) break;
  }
  while (!make_room()) {
    if (!drop_oldest(answer, Counter::kAnswersCutAtCommonLimit)) break;
  }
}

bool AnswerTable::make_room() {
  while (metrics_.bytes.get() > settings_.max_kept_bytes) {
    if (!forget_oldest()) return false;
  }
  return true;
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
