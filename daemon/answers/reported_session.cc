// SPDX-License-Identifier: Apache-2.0
#include "answers/reported_session.h"

#include <utility>

#include "answers/answer_reports.h"
#include "answers/limits.h"

namespace streaming {

ReportedSession::ReportedSession(AnswerReports& reports, std::string hook, std::string beginning, EventSink& sink)
    : WrappingSession(sink),
      reports_(reports),
      hook_(std::move(hook)),
      beginning_(std::move(beginning)),
      began_(reports.timers().clock()),
      record_(reports.records()) {
}

void ReportedSession::begin_with(Backend& backend, std::unique_ptr<HandoffRequest> request) {
  begin(backend.answer(std::move(request), *this));
}

void ReportedSession::on_event(const AnswerEvent& event) {
  if (event.kind != AnswerEvent::Kind::kProgress) {
    if (!first_event_) first_event_ = reports_.timers().clock();
    record_.add(event);
  }
  sink().on_event(event);
}

void ReportedSession::on_usage(const Usage& usage) {
  record_.set_usage(usage);
  sink().on_usage(usage);
}

void ReportedSession::on_end(FinishReason reason) {
  end(CloseCause::kCompleted, reason);
  sink().on_end(reason);
}

void ReportedSession::on_failure(const BackendFailure& failure) {
  end(cause_of(failure.kind));
  sink().on_failure(failure);
}

void ReportedSession::on_answer_end(CloseCause cause) {
  if (!ended_) end(cause);
}

void ReportedSession::end(CloseCause cause, std::optional<FinishReason> reason) {
  CHECK(!std::exchange(ended_, true));
  AnswerEnd end{.cause = info(cause).word, .reason = reason, .ended = wall_now()};
  if (first_event_) end.first_event = *first_event_ - began_;
  end.duration = reports_.timers().clock() - began_;
  report_ = whole_report(std::move(beginning_), record_, end);
  reports_.timers().schedule(patience_, kClientEndPatience);
}

void ReportedSession::on_stream_end(bool client_has_end) {
  CHECK(ended_);
  if (!patience_.pending()) return;
  patience_.stop();
  deliver(client_has_end);
}

void ReportedSession::deliver(std::optional<bool> client_has_end) {
  reports_.deliver(std::move(hook_), with_client_has_end(std::move(report_), client_has_end));
}

}  // namespace streaming
