// SPDX-License-Identifier: Apache-2.0
#include "server/answer_router.h"

#include "answers/answer_marks.h"
#include "backends/registry.h"
#include "base/base64.h"
#include "base/log.h"
#include "stream/limits.h"

namespace streaming {
namespace {

constexpr int kNoContentStatus = 204;

Refusal nothing_runs() {
  return Refusal{404, "no answer of this id runs"};
}

Refusal other_user() {
  return Refusal{403, "the answer belongs to another user", 0, {}, Counter::kRefusedOtherUser};
}

}  // namespace

// What the successor must know to keep the answer itself.
void AnswerRouter::add_facts(HandoffRequest& request, const KeptAnswer& answer) {
  request.response_headers.push_back({kFormatField, format_name(answer.format())});
  request.response_headers.push_back({kBackendField, backend_registry()[answer.index()].name});
  if (answer.user().empty()) return;
  std::string user;
  append_base64(user, answer.user());
  request.response_headers.push_back({kUserField, request.json.keep(std::move(user))});
}

std::optional<Refusal> AnswerRouter::refusal_for(const HandoffRequest& request) const {
  const auto found = directory_.find(request.answer_id, request.user_id);
  return found && !found->allowed ? std::optional(other_user()) : std::nullopt;
}

std::optional<Admission> AnswerRouter::route(Client& client, std::unique_ptr<HandoffRequest>& request) {
  const auto found = directory_.find(request->answer_id, request->user_id);
  const bool is_another = found && request->answer_run != 0 && request->answer_run != found->run;
  if (!found && ask_others(client, request)) return admitted();
  if (!found || (is_another && request->action == AnswerAction::kStop)) return without_answer(client, *request);
  const bool follows_for_successor = request->for_successor && request->action == AnswerAction::kFollow;
  if (!found->allowed && !follows_for_successor) return other_user();
  if (found->worker != worker_) {
    request->answer_run = found->run;
    send_on_(found->worker, std::move(client), std::move(request));
    return admitted();
  }
  KeptAnswer* answer = answers_.find(request->answer_id);
  CHECK(answer != nullptr);  // only this worker removes it
  const bool stops = request->action == AnswerAction::kStop;
  if (stops && answer->is_import() && answer->running()) {
    if (ask_others(client, request)) return admitted();
    // Where it ran it has ended, and its end is under way. Only who runs an answer can write the sign of a stop.
    return answer_at_once(client, nothing_runs());
  }
  if (stops) return stop(client, *answer);
  if (answer->is_import() && imports_.wait(client, request)) return admitted();
  return join(client, std::move(request), *answer);
}

// The predecessor first: what it has is in this process's memory soon.
bool AnswerRouter::ask_others(Client& client, std::unique_ptr<HandoffRequest>& request) {
  if (imports_.can_ask(*request)) {
    imports_.ask(std::move(client), std::move(request));
    return true;
  }
  if (stored_ == nullptr || !stored_->can_ask(*request)) return false;
  stored_->ask(std::move(client), std::move(request));
  return true;
}

// A client that has seen a part of an answer wants no other one.
std::optional<Admission> AnswerRouter::without_answer(Client& client, const HandoffRequest& request) {
  if (request.action == AnswerAction::kStop || request.for_successor) return answer_at_once(client, nothing_runs());
  const bool reads_on = !request.after.empty() || !request.apache.last_event_id.empty();
  if (request.action == AnswerAction::kAsk && !reads_on) return std::nullopt;
  return answer_at_once(client, Refusal{kNoContentStatus, ""});
}

Admission AnswerRouter::stop(Client& client, KeptAnswer& answer) {
  if (!answers_.stop(answer)) return answer_at_once(client, nothing_runs());
  return answer_at_once(client, Refusal{kNoContentStatus, ""});
}

Admission AnswerRouter::join(Client& client, std::unique_ptr<HandoffRequest> request, KeptAnswer& answer) {
  if (std::optional<Refusal> refusal = answer.refusal_for(*request)) {
    return refusal->status == kNoContentStatus ? answer_at_once(client, *refusal) : *refusal;
  }
  if (request->for_successor) add_facts(*request, answer);
  if (request->action == AnswerAction::kAsk) {
    log::info("answer {} is asked for again; the client follows the one that {}", answer.id(),
              answer.running() ? "runs" : "is kept");
  }
  Admission admission = streams_.follow(client, std::move(request), answer);
  if (admission) counters_.add(Counter::kFollows);
  return admission;
}

Admission AnswerRouter::begin(Client& client, std::unique_ptr<HandoffRequest> request, Backend& backend) {
  const Result<Format> format = streams_.format_of(*request, backend);
  if (!format) return Refusal{400, format.error().message};
  AnswerTable::Started started = answers_.start(*request, *format, backend);
  if (started.refusal) return *started.refusal;
  if (started.answer == nullptr) {  // another worker has begun it since
    std::optional<Admission> routed = route(client, request);
    return routed ? std::move(*routed) : Refusal{503, "try again soon", kRetryAfterSeconds};
  }
  Admission admission = streams_.follow(client, std::move(request), *started.answer);
  if (!admission) answers_.withdraw(*started.answer);
  return admission;
}

Admission AnswerRouter::answer_at_once(Client& client, const Refusal& answer) {
  if (streams_.open_refused(client, answer)) return admitted();
  return Refusal{503, "all places are taken, try again soon", kRetryAfterSeconds};
}

}  // namespace streaming
