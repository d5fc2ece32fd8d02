// SPDX-License-Identifier: Apache-2.0
#include "answers/answer_reports.h"

#include <utility>

#include "answers/answer_report.h"
#include "answers/reported_session.h"
#include "backends/registry.h"
#include "base/random_id.h"

namespace streaming {

AnswerReports::AnswerReports(const Config& config, TimerWheel& timers, HttpClient& http, Counters& counters,
                             ByteBudget& records)
    : timers_(timers), counters_(counters), records_(records), delivery_(timers, http, counters) {
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
                                                      EventSink& sink) {
  if (request->on_end.empty()) return backend.answer(std::move(request), sink);
  auto session = std::make_unique<ReportedSession>(
      *this, std::string(request->on_end),
      begin_report(*request, backend_registry()[backend.index()].name, backend.model(*request), wall_now()), sink);
  session->begin_with(backend, std::move(request));
  counters_.add(Counter::kReports);
  return session;
}

void AnswerReports::deliver(std::string hook, std::string report) {
  delivery_.add({.id = "msg_" + random_id(), .hook = std::move(hook), .body = std::move(report)});
}

}  // namespace streaming
