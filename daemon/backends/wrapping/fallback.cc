// SPDX-License-Identifier: Apache-2.0
#include "backends/wrapping/fallback.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "backends/limits.h"
#include "backends/wrapping/wrapping_session.h"
#include "base/check.h"
#include "base/growing_pause.h"
#include "base/log.h"
#include "base/random_id.h"

namespace streaming {
namespace {

// Whether the same request may succeed a moment later. The vendors' own libraries repeat the same requests.
bool may_pass(const BackendFailure& failure) {
  if (failure.kind != FailureKind::kStatus) return failure.kind == FailureKind::kUnreachable;
  return failure.status == 408 || failure.status == 409 || failure.status == 429 || failure.status >= 500;
}

class FallbackSession final : public WrappingSession, private TimerOwner {
 public:
  FallbackSession(FallbackBackend& backend, std::unique_ptr<HandoffRequest> request, EventSink& sink)
      : WrappingSession(sink), backend_(backend), request_(std::move(request)), timer_(*this) {
    begin_try();
  }

 private:
  void on_event(const AnswerEvent& event) override {
    if (!committed_) {
      timer_.stop();
      if (event.kind != AnswerEvent::Kind::kProgress) commit();
    }
    sink().on_event(event);
  }
  void on_end(FinishReason reason) override {
    commit();
    sink().on_end(reason);
  }
  void on_failure(const BackendFailure& failure) override;
  void on_cancel() override {
    timer_.stop();
    request_.reset();
  }
  void on_timer(Timer& timer) override;

  // The client gets this try's answer: there is no other try.
  void commit() {
    committed_ = true;
    timer_.stop();
    request_.reset();
  }
  bool has_next() const { return retries_ < backend_.settings().retries || choice_ + 1 < backend_.choices().size(); }
  std::optional<Duration> pause_before_retry(const BackendFailure& failure) const;
  void begin_try();

  FallbackBackend& backend_;
  std::unique_ptr<HandoffRequest> request_;  // until there is no other try
  Timer timer_;                              // after a failed try: until the next; else the limit of this one
  std::size_t choice_ = 0;
  int retries_ = 0;  // of that choice
  bool committed_ = false;
};

void FallbackSession::on_failure(const BackendFailure& failure) {
  const std::string_view name = backend_.choices()[choice_].name;
  CHECK(has_inner() && (request_ != nullptr) == (!committed_ && has_next()));
  Duration pause{0};
  if (committed_) return sink().on_failure(failure);
  if (const std::optional<Duration> retry_pause = pause_before_retry(failure)) {
    pause = *retry_pause;
    ++retries_;
  } else if (choice_ + 1 < backend_.choices().size()) {
    ++choice_;
    retries_ = 0;
    request_->forget_model();  // others use their own
  } else {
    return sink().on_failure(failure);
  }
  log::warn("stream {}: backend {}: {}; trying {} in {} ms", sink().stream_id(), name, failure.detail,
            backend_.choices()[choice_].name, pause.count());
  backend_.counters().add(Counter::kFailedTries);
  drop();
  CHECK(request_ != nullptr && choice_ < backend_.choices().size() && retries_ <= backend_.settings().retries);
  CHECK(pause >= Duration(0) && pause <= kMaxRetryPause);
  backend_.timers().schedule(timer_, pause);
}

// Nothing if a retry makes no sense, or the pause would be too long.
std::optional<Duration> FallbackSession::pause_before_retry(const BackendFailure& failure) const {
  if (retries_ >= backend_.settings().retries || !may_pass(failure)) return std::nullopt;
  if (failure.retry_after_seconds == 0) return backend_.pause_after(retries_);
  const Duration asked = std::chrono::seconds(failure.retry_after_seconds);
  return asked <= kMaxRetryPause ? std::optional(asked) : std::nullopt;
}

void FallbackSession::on_timer(Timer&) {
  if (has_inner()) return on_failure({.kind = FailureKind::kUnreachable, .detail = "no answer within try_timeout_ms"});
  begin_try();
}

void FallbackSession::begin_try() {
  CHECK(request_ != nullptr && !committed_ && !timer_.pending());
  begin(backend_.choices()[choice_].backend->start(*request_, *this));
  if (!has_next()) return request_.reset();
  // The last try may take as long as the stream waits.
  const Duration limit = backend_.settings().try_timeout;
  if (limit > Duration(0)) backend_.timers().schedule(timer_, limit);
}

}  // namespace

FallbackBackend::FallbackBackend(std::vector<Choice> choices, const FallbackSettings& settings, TimerWheel& timers,
                                 Counters& counters)
    : choices_(std::move(choices)),
      settings_(settings),
      timers_(timers),
      counters_(counters),
      random_(random_seed()) {
  CHECK(!choices_.empty() && settings_.retries >= 0);
}

std::optional<Refusal> FallbackBackend::refusal_for(const HandoffRequest& request) const {
  for (const Choice& choice : choices_) {
    if (std::optional<Refusal> refusal = choice.backend->refusal_for(request)) return refusal;
  }
  return std::nullopt;
}

std::unique_ptr<BackendSession> FallbackBackend::answer(std::unique_ptr<HandoffRequest> request, EventSink& sink) {
  return std::make_unique<FallbackSession>(*this, std::move(request), sink);
}

Duration FallbackBackend::pause_after(int tries) {
  return growing_pause(kFirstRetryPause, kMaxRetryPause, tries, random_);
}

}  // namespace streaming
