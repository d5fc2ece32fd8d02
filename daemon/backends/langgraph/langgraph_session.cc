// SPDX-License-Identifier: Apache-2.0
#include "backends/langgraph/langgraph_session.h"

#include <ctime>
#include <utility>

#include "backends/request_body.h"
#include "backends/request_headers.h"
#include "backends/retry_after.h"
#include "base/check.h"

namespace streaming {
namespace {

constexpr int kStatusConflict = 409;  // the thread exists, and the server does not know if_exists
constexpr int kStatusNotFound = 404;

}  // namespace

HttpRequest LangGraphEndpoint::post(std::string_view path, std::vector<std::string> first, std::string body) const {
  HttpRequest request = settings;
  request.url = base + std::string(path);
  request.headers = std::move(first);
  request.headers.insert(request.headers.end(), headers.begin(), headers.end());
  request.body = std::move(body);
  return request;
}

LangGraphSession::LangGraphSession(const LangGraphEnvironment& environment, const LangGraphEndpoint& endpoint,
                                   const HandoffRequest& request, EventSink& sink)
    : WrappingSession(sink),
      environment_(environment),
      endpoint_(endpoint),
      thread_(request.thread_id),
      continue_without_client_(request.continue_without_client),
      run_request_(endpoint.post(thread_.empty() ? "/runs/stream" : "/threads/" + thread_ + "/runs/stream",
                                 event_stream_headers(request, {}), "")),
      next_step_(*this) {
  set_body(run_request_, run_request(request, endpoint.defaults), request);
  thread_exists_ = thread_.empty() || environment_.threads.contains(thread_name());
  thread_checked_ = thread_.empty();
  if (thread_exists_) {
    start_run();
  } else {
    create_thread();
  }
}

// --- The thread -----------------------------------------------------------------------------------------------------

void LangGraphSession::create_thread() {
  CHECK(creation_ == nullptr && !thread_.empty() && !has_inner());
  thread_checked_ = true;
  creation_ =
      environment_.http.start(endpoint_.post("/threads", {"Content-Type: application/json", "Accept: application/json"},
                                             thread_request(thread_)),
                              *this);
}

void LangGraphSession::on_head(const HttpHead& head) {
  CHECK(creation_ != nullptr && creation_status_ == 0);
  creation_status_ = head.status;
  creation_retry_after_ = retry_after_seconds(head, std::time(nullptr));
}

void LangGraphSession::on_finished(std::string_view error) {
  CHECK(creation_ != nullptr && !thread_exists_);
  if (!error.empty()) return sink().on_failure({.kind = FailureKind::kUnreachable, .detail = error});
  if (creation_status_ / 100 != 2 && creation_status_ != kStatusConflict) {
    const std::string detail = "status " + std::to_string(creation_status_) + " for the thread";
    return sink().on_failure({.kind = FailureKind::kStatus,
                              .detail = detail,
                              .status = creation_status_,
                              .retry_after_seconds = creation_retry_after_});
  }
  thread_exists_ = true;
  environment_.threads.add(thread_name());
  environment_.timers.soon(next_step_);
}

void LangGraphSession::on_work(Work&) {
  if (thread_exists_) {
    creation_.reset();
    start_run();
  } else {
    create_thread();
  }
}

// --- The run --------------------------------------------------------------------------------------------------------

void LangGraphSession::start_run() {
  CHECK(creation_ == nullptr && reader_ == nullptr && !run_over_);
  auto reader = std::make_unique<LangGraphReader>();
  reader_ = reader.get();
  // A thread that is only remembered may have been deleted; the request is then made again.
  HttpRequest request = thread_checked_ ? std::move(run_request_) : run_request_;
  EventSink& events = *this;
  begin(std::make_unique<SseSession>(environment_.http, std::move(request), std::move(reader), environment_.events,
                                     events));
}

void LangGraphSession::on_event(const AnswerEvent& event) {
  if (!std::exchange(thread_checked_, true)) run_request_ = {};
  sink().on_event(event);
}

void LangGraphSession::on_end(FinishReason reason) {
  CHECK(has_inner() && !run_over_);
  run_over_ = true;
  sink().on_end(reason);
}

void LangGraphSession::on_failure(const BackendFailure& failure) {
  CHECK(has_inner() && reader_ != nullptr);
  if (failure.status == kStatusNotFound && !thread_checked_) {
    environment_.threads.forget(thread_name());
    thread_exists_ = false;
    drop();
    reader_ = nullptr;
    environment_.timers.soon(next_step_);
    return;
  }
  run_over_ = failure.kind == FailureKind::kReported;
  sink().on_failure(failure);
}

void LangGraphSession::on_cancel() {
  next_step_.withdraw();
  creation_.reset();
  run_request_ = {};
  if (reader_ != nullptr) cancel_run();
}

// A server also ends a run whose connection is closed (on_disconnect), but it does not notice that behind every proxy.
void LangGraphSession::cancel_run() {
  if (std::exchange(run_over_, true) || continue_without_client_ || reader_->run_path().empty()) return;
  environment_.cancellations.add(
      endpoint_.post(reader_->run_path() + "/cancel?wait=0&action=interrupt", {"Content-Type: application/json"}, ""));
}

}  // namespace streaming
