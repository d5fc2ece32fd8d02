// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_follower.h"
namespace streaming {

AnswerFollower::AnswerFollower(KeptAnswer& answer, const KeptFrames::Place& place, EventSink& sink)
    : answer_(answer), sink_(&sink), place_(place) {
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
  if (paused_ || answer_.end() == nullptr) return;
  // A failure may replace what is not sent yet, so what is kept goes out first.
  if (is_behind) return answer_.timers().soon(later_);
  finish();
}

void AnswerFollower::hand_on(std::string_view frames, const KeptFrames::Place& end) {
  const std::uint32_t events = end.event - place_.event;
  place_ = end;
  sink_->on_event({.kind = AnswerEvent::Kind::kFrames, .index = events, .text = frames});
}

void AnswerFollower::finish() {
  finished_ = true;
  const KeptAnswerEnd& end = *answer_.end();
  const KeptFrames& frames = answer_.frames();
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
