// SPDX-License-Identifier: Apache-2.0
// LangGraphSession: a stream's use of a LangGraph server. If the hand-off names a thread that is not known to
// exist, the thread is created first. Then an SseSession, the inner session, streams the run.
//
// Belongs to its stream, on the worker's thread; borrows endpoint, environment and sink. If it is cancelled before the
// run has ended, the run is cancelled too.

#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "backends/langgraph/known_threads.h"
#include "backends/langgraph/langgraph_reader.h"
#include "backends/langgraph/langgraph_request.h"
#include "backends/langgraph/run_cancellations.h"
#include "backends/sse_session.h"
#include "backends/wrapping/wrapping_session.h"

namespace streaming {

// A server, and how it is asked; the backend has one, and one for each profile.
struct LangGraphEndpoint {
  std::string base;                  // without a slash at its end
  HttpRequest settings;              // all but URL, headers and body
  std::vector<std::string> headers;  // of each request, the key among them
  LangGraphDefaults defaults;
  std::string format;  // of its answers, for clients; empty: the daemon's

  // With `first` before its own headers.
  HttpRequest post(std::string_view path, std::vector<std::string> first, std::string body) const;
};

// What the sessions of a worker share.
struct LangGraphEnvironment {
  HttpClient& http;
  TimerWheel& timers;
  KnownThreads& threads;
  RunCancellations& cancellations;
  EventBudget& events;
};

class LangGraphSession final : public WrappingSession, private HttpReceiver, private WorkOwner {
 public:
  LangGraphSession(const LangGraphEnvironment& environment, const LangGraphEndpoint& endpoint,
                   const HandoffRequest& request, EventSink& sink);

 private:
  void on_cancel() override;
  void create_thread();
  void start_run();
  void cancel_run();
  std::string thread_name() const { return endpoint_.base + " " + thread_; }

  // Of the run.
  void on_event(const AnswerEvent& event) override;
  void on_end(FinishReason reason) override;
  void on_failure(const BackendFailure& failure) override;

  // Of the creation of the thread.
  void on_head(const HttpHead& head) override;
  void on_body(std::string_view) override {}
  void on_finished(std::string_view error) override;

  void on_work(Work& work) override;

  const LangGraphEnvironment& environment_;
  const LangGraphEndpoint& endpoint_;
  const std::string thread_;  // empty: none
  const bool continue_without_client_;
  bool thread_exists_ = false;   // as far as is known
  bool thread_checked_ = false;  // it was created, or found, for this session
  bool run_over_ = false;        // there is no run to cancel any more
  int creation_status_ = 0;
  int creation_retry_after_ = 0;
  HttpRequest run_request_;  // empty when it has been sent for good
  std::unique_ptr<HttpTransfer> creation_;
  const LangGraphReader* reader_ = nullptr;  // the run's; null if there is no run
  Work next_step_;                           // which must not be taken within a call of the HTTP client
};

}  // namespace streaming
