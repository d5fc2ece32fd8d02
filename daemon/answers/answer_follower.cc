// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_follower.h"

#include <utility>

#include "answers/answer_marks.h"
namespace streaming {

AnswerFollower::AnswerFollower(KeptAnswer& answer, const KeptFrames::Place& place, bool for_successor, EventSink& sink)
    : answer_(answer), sink_(&sink), place_(place), marks_due_(for_successor), for_successor_(for_successor) {
  answer_.timers().soon(later_);
}

AnswerFollower::~AnswerFollower() {
  answer_.on_follower_left(client_has_end_);
}

void AnswerFollower::cancel() {
  sink_ = nullptr;
  later_.withdraw();
  unlink();
}

void AnswerFollower::resume() {
  paused_ = false;
  if (sink_ != nullptr) answer_.timers().soon(later_);
}

void AnswerFollower::on_frames(const KeptFrames::Place& place, std::string_view frames) {
  if (paused_ || place_ != place) return;  // it is behind, and comes here by on_work()
  hand_on(frames, answer_.frames().end());
}

void AnswerFollower::on_end() {
  if (!paused_) answer_.timers().soon(later_);
}

void AnswerFollower::on_work(Work&) {
  if (place_.byte < answer_.frames().begin().byte) {
    return sink_->on_failure({.kind = FailureKind::kFellBehind, .detail = "the events that it needs are not kept"});
  }
  const KeptFrames::Place end = answer_.content_end();
  const bool is_behind = place_.byte < end.byte;
  while (!paused_ && place_.byte < end.byte) {
    KeptFrames::Span span = answer_.frames().from(place_);
    if (span.end.byte > end.byte) {
      span.frames.remove_suffix(span.end.byte - end.byte);
      span.end = end;
    }
    hand_on(span.frames, span.end);
  }
  if (paused_) return;
  if (answer_.end() == nullptr) {
    if (std::exchange(marks_due_, false)) hand_on_mark(kLiveMark);
    return;
  }
  // A failure may replace what is not sent yet, so what is kept goes out first.
  if (is_behind) return answer_.timers().soon(later_);
  finish();
}

void AnswerFollower::hand_on(std::string_view frames, const KeptFrames::Place& end) {
  const std::uint32_t events = end.event - place_.event;
  place_ = end;
  sink_->on_event({.kind = AnswerEvent::Kind::kFrames, .index = events, .text = frames});
}

void AnswerFollower::hand_on_mark(std::string_view mark) {
  sink_->on_event({.kind = AnswerEvent::Kind::kFrames, .index = 1, .text = mark});
}

void AnswerFollower::finish() {
  finished_ = true;
  const KeptAnswerEnd& end = *answer_.end();
  const KeptFrames& frames = answer_.frames();
  if (for_successor_) hand_on_mark(end_mark(end.cause, end.status, end.retry_after_seconds));
  if (place_.byte < frames.end().byte) {
    sink_->on_event({.kind = AnswerEvent::Kind::kLastFrames, .text = frames.from(place_).frames});
  }
  if (end.cause == CloseCause::kCompleted) return sink_->on_end(end.reason);
  sink_->on_failure({.kind = end.failure,
                     .detail = {},
                     .status = end.status,
                     .retry_after_seconds = end.retry_after_seconds,
                     .message = end.message});
}

}  // namespace streaming
