// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include <optional>
#include <random>
#include <string>

#include "backends/limits.h"
#include "backends/local/typing_rhythm.h"
#include "backends/wrapping/wrapping_session.h"
#include "base/check.h"
#include "base/random_id.h"

namespace streaming {
namespace {

// Delays the answer's text and types it. All other events are handed on at once.
class TypedAnswerSession final : public WrappingSession, private TimerOwner {
 public:
  TypedAnswerSession(TimerWheel& timers, const TypingRhythm& rhythm, EventSink& sink)
      : WrappingSession(sink), timers_(timers), rhythm_(rhythm), timer_(*this) {}

  void ask(DirectBackend& api, const HandoffRequest& request) { begin(api.start(request, *this)); }

 private:
  void on_event(const AnswerEvent& event) override {
    if (event.kind != AnswerEvent::Kind::kText) return sink().on_event(event);
    text_ += event.text;
    if (text_.size() > kMaxUntypedBytes) send_rest();
    if (!text_.empty() && !timer_.pending()) timers_.schedule(timer_, Duration(0));
  }
  void on_end(FinishReason reason) override {
    if (text_.empty()) return sink().on_end(reason);
    CHECK(!end_ && timer_.pending());
    end_ = reason;
    drop();
  }
  void on_failure(const BackendFailure& failure) override {
    send_rest();
    sink().on_failure(failure);
  }
  void on_cancel() override { timer_.stop(); }

  void on_timer(Timer&) override {
    CHECK(!text_.empty());
    const std::size_t bytes = first_character_bytes(text_);
    const std::string character = text_.substr(0, bytes);
    text_.erase(0, bytes);
    if (!text_.empty()) timers_.schedule_at(timer_, timer_.expiry() + rhythm_.pause_after(character, text_));
    send_text(character);
    if (text_.empty() && end_) sink().on_end(*end_);
  }

  void send_text(std::string_view text) { sink().on_event({.kind = AnswerEvent::Kind::kText, .text = text}); }
  void send_rest() {
    timer_.stop();
    if (!text_.empty()) send_text(text_);
    text_.clear();
  }

  TimerWheel& timers_;
  TypingRhythm rhythm_;
  Timer timer_;                      // for the next character, while there is one
  std::string text_;                 // not yet typed
  std::optional<FinishReason> end_;  // the API's answer is whole
};

class TypedAnswerBackend final : public DirectBackend {
 public:
  explicit TypedAnswerBackend(const BackendEnvironment& environment)
      : config_(environment.config), timers_(environment.timers), api_(make_openai_backend(environment)) {}

  std::optional<Refusal> refusal_for(const HandoffRequest& request) const override {
    return api_->refusal_for(request);
  }
  std::string_view model(const HandoffRequest& request) const override { return api_->model(request); }
  std::string_view format(const HandoffRequest& request) const override { return api_->format(request); }

  std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& sink) override {
    const TypingRhythm rhythm(config_.typing_delay, static_cast<std::uint32_t>(random_()));
    auto session = std::make_unique<TypedAnswerSession>(timers_, rhythm, sink);
    session->ask(*api_, request);
    return session;
  }

 private:
  const Config& config_;
  TimerWheel& timers_;
  const std::unique_ptr<DirectBackend> api_;
  std::minstd_rand random_{random_seed()};
};

}  // namespace

std::unique_ptr<DirectBackend> make_typed_answer_backend(const BackendEnvironment& environment) {
  return std::make_unique<TypedAnswerBackend>(environment);
}

}  // namespace streaming
