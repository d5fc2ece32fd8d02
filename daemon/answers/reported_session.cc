// SPDX-License-Identifier: Apache-2.0
#include "answers/reported_session.h"

#include <string_view>
#include <utility>

#include "answers/answer_reports.h"
#include "answers/limits.h"

namespace streaming {

ReportedSession::ReportedSession(AnswerReports& reports, std::string hook, std::string beginning, EventSink& sink)
    : WrappingSession(sink),
      reports_(reports),
      beginning_(std::move(beginning)),
      began_(reports.timers().clock()),
      record_(reports.records()) {
  report_.id = new_report_id();
  report_.hook = std::move(hook);
  Journal* const journal = reports_.journal();
  if (journal == nullptr) return;
  if (const auto place = journal->append(append_begin, report_.id, BeginContent{report_.hook, beginning_})) {
    report_.in_answers = place->segment;
  }
}

void ReportedSession::begin_with(Backend& backend, std::unique_ptr<HandoffRequest> request) {
  begin(backend.answer(std::move(request), *this));
}

// --- While the answer runs ------------------------------------------------------------------------------------------

void ReportedSession::on_event(const AnswerEvent& event) {
  if (event.kind != AnswerEvent::Kind::kProgress) {
    if (!first_event_) first_event_ = reports_.timers().clock();
    record_.add(event);
    if (report_.in_answers != nullptr && !linked()) {
      text_since_ = reports_.timers().now();
      reports_.write_text_later(*this);
    }
  }
  sink().on_event(event);
}

void ReportedSession::on_usage(const Usage& usage) {
  record_.set_usage(usage);
  sink().on_usage(usage);
}

void ReportedSession::write_text() {
  write_part(record_.text(), written_.text, false);
  write_part(record_.reasoning(), written_.reasoning, true);
}

// A part that the journal does not take is written with the next one.
void ReportedSession::write_part(const std::string& all, std::uint32_t& written, bool reasoning) {
  const std::string_view part = std::string_view(all).substr(written);
  if (part.empty()) return;
  auto place = reports_.journal()->append(append_text, report_.id, TextContent{reasoning, written, part});
  if (!place) return;
  reports_.journal()->unpin(place->segment);  // the answer's beginning is pinned
  written += static_cast<std::uint32_t>(part.size());
}

// --- The end --------------------------------------------------------------------------------------------------------

void ReportedSession::on_end(FinishReason reason) {
  end(CloseCause::kCompleted, reason);
  end_sink_when_stored([reason](EventSink& sink) { sink.on_end(reason); });
}

void ReportedSession::on_failure(const BackendFailure& failure) {
  end(cause_of(failure.kind));
  end_sink_when_stored([failure, detail = std::string(failure.detail),
                        message = std::string(failure.message)](EventSink& sink) {
    BackendFailure kept = failure;
    kept.detail = detail;
    kept.message = message;
    sink.on_failure(kept);
  });
}

void ReportedSession::on_answer_end(CloseCause cause) {
  if (!ended_) end(cause);
}

void ReportedSession::end(CloseCause cause, std::optional<FinishReason> reason) {
  CHECK(!std::exchange(ended_, true));
  unlink();
  AnswerEnd end{.cause = info(cause).word, .reason = reason, .ended = wall_now()};
  if (first_event_) end.first_event = *first_event_ - began_;
  end.duration = reports_.timers().clock() - began_;
  report_.body = whole_report(std::move(beginning_), record_, end);
  reports_.timers().schedule(patience_, kClientEndPatience);
  Journal* const journal = reports_.journal();
  if (journal == nullptr) return;
  auto place = journal->append(
      append_report, report_.id,
      ReportContent{.failures = 0, .due = *end.ended, .hook = report_.hook, .body = report_.body}, &ticket_);
  Segment* before = std::exchange(report_.in_answers, place ? place->segment : nullptr);
  journal->unpin(before);
  if (!place) reports_.counters().add(Counter::kReportsNotOnDisk);
}

void ReportedSession::end_sink_when_stored(std::function<void(EventSink&)> end_of_sink) {
  if (!ticket_.pending()) return end_of_sink(sink());
  drop();
  end_of_sink_ = std::move(end_of_sink);
}

void ReportedSession::on_stored(StoreTicket&, bool stored) {
  if (!stored) {
    reports_.journal()->unpin(report_.in_answers);
    reports_.counters().add(Counter::kReportsNotOnDisk);
  }
  if (end_of_sink_ == nullptr) return;
  const auto end_of_sink = std::exchange(end_of_sink_, nullptr);
  end_of_sink(sink());
}

void ReportedSession::on_stream_end(bool client_has_end) {
  CHECK(ended_);
  if (!patience_.pending()) return;
  client_has_end_ = client_has_end;
  deliver();
}

void ReportedSession::deliver() {
  patience_.stop();
  if (client_has_end_ && report_.in_answers != nullptr) {
    reports_.journal()->note(append_client_end, report_.id, *client_has_end_);
  }
  report_.body = with_client_has_end(std::move(report_.body), client_has_end_);
  reports_.delivery().add(std::exchange(report_, Report{}));
}

}  // namespace streaming
