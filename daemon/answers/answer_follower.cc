// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_follower.h"

#include "answers/answer_marks.h"

namespace streaming {

AnswerFollower::AnswerFollower(KeptAnswer& answer, const KeptFrames::Place& place, bool for_successor, EventSink& sink)
    : answer_(answer),
      sink_(&sink),
      byte_(place.byte),
      event_(place.event),
      marks_due_(for_successor),
      for_successor_(for_successor) {
  answer_.read_later(*this);
}

AnswerFollower::~AnswerFollower() {
  answer_.on_follower_left(client_has_end_);
}

void AnswerFollower::cancel() {
  sink_ = nullptr;
  unlink();
}

// The stream ends before the answer's end was handed on, and writes an end of its own: without a mark the successor would take it
// for an event, and end the answer a second time.
void AnswerFollower::on_answer_end(CloseCause cause) {
  if (for_successor_ && !finished_ && sink_ != nullptr) hand_on_mark(end_mark(cause, 0, 0));
}

void AnswerFollower::pause() {
  paused_ = true;
  unlink();
}

void AnswerFollower::resume() {
  if (!paused_ || sink_ == nullptr) return;
  paused_ = false;
  answer_.read_later(*this);
}

void AnswerFollower::read_on() {
  if (byte_ < answer_.frames().begin().byte) {
    return sink_->on_failure({.kind = FailureKind::kFellBehind, .detail = "the events that it needs are not kept"});
  }
  const KeptFrames::Place end = answer_.content_end();
  const bool is_behind = byte_ < end.byte;
  while (!paused_ && byte_ < end.byte) {
    KeptFrames::Span span = answer_.frames().from(place());
    if (span.end.byte > end.byte) {
      span.frames.remove_suffix(span.end.byte - end.byte);
      span.end = end;
    }
    hand_on(span.frames, span.end);
  }
  if (paused_) return;
  if (answer_.end() == nullptr) {
    if (marks_due_) hand_on_mark(kLiveMark);
    marks_due_ = false;
    if (!paused_) answer_.hand_on_to(*this);
    return;
  }
  // A failure may replace what is not sent yet, so what is kept goes out first.
  if (is_behind) return answer_.read_later(*this);
  finish();
}

void AnswerFollower::hand_on(std::string_view frames, const KeptFrames::Place& end) {
  const std::uint32_t events = end.event - event_;
  byte_ = end.byte;
  event_ = end.event;
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
  if (byte_ < frames.end().byte) {
    sink_->on_event({.kind = AnswerEvent::Kind::kLastFrames, .text = frames.from(place()).frames});
  }
  if (end.cause == CloseCause::kCompleted) return sink_->on_end(end.reason);
  sink_->on_failure({.kind = end.failure,
                     .detail = {},
                     .status = end.status,
                     .retry_after_seconds = end.retry_after_seconds,
                     .message = answer_.end_message()});
}

}  // namespace streaming
