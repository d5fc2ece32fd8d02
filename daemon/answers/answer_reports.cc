// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_reports.h"

#include <string>
#include <utility>

#include "answers/answer_report.h"
#include "backends/registry.h"

namespace streaming {

AnswerReports::AnswerReports(const Config& config, TimerWheel& timers, HttpClient& http, Counters& counters,
                             ByteBudget& records, Journals* journals, ReportDelivery::GiveUp give_up)
    : timers_(timers),
      counters_(counters),
      records_(records),
      journals_(journals),
      delivery_(timers, http, counters, journals, std::move(give_up)) {
  reconfigure(config);
}

void AnswerReports::reconfigure(const Config& config) {
  Result<Hooks> hooks = make_hooks(config);
  CHECK(hooks.ok());  // check_config() has looked
  delivery_.set_hooks(std::move(*hooks));
}

std::optional<Refusal> AnswerReports::refusal_for(const HandoffRequest& request, std::string_view backend) const {
  if (request.on_end.empty()) return std::nullopt;
  if (backend == kExecBackend) return Refusal{400, "on_end reports no answer of backend exec: its program answers itself"};
  if (delivery_.knows(request.on_end)) return std::nullopt;
  return Refusal{400, "on_end names an unknown hook", 0,
                 "there is no [answers.hooks.NAME] for the hook \"" + std::string(request.on_end) + "\""};
}

std::unique_ptr<BackendSession> AnswerReports::answer(Backend& backend, std::unique_ptr<HandoffRequest> request,
                                                      EventSink& sink, const ReportedSession** reported) {
  if (request->on_end.empty()) return backend.answer(std::move(request), sink);
  auto session = std::make_unique<ReportedSession>(
      *this, std::string(request->on_end),
      begin_report(*request, backend_registry()[backend.index()].name, backend.model(*request), wall_now()), sink);
  session->begin_with(backend, std::move(request));
  if (reported != nullptr) *reported = session.get();
  counters_.add(Counter::kReports);
  return session;
}

void AnswerReports::write_text_later(ReportedSession& session) {
  with_text_.push_back(session);
  if (!text_timer_.pending()) timers_.schedule(text_timer_, kTextPause);
}

// Those whose pause is over or soon will be, so that one write has the texts of many answers.
void AnswerReports::on_timer(Timer&) {
  while (ReportedSession* session = with_text_.front()) {
    const Time due = session->text_since() + kTextPause;
    if (due - kTextWrittenEarlier > timers_.now()) return timers_.schedule_at(text_timer_, due);
    session->unlink();
    session->write_text();
  }
}

}  // namespace streaming
