// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include <array>
#include <string_view>

#include "base/buffer.h"
#include "base/check.h"

namespace streaming {
namespace {

constexpr int kMockEvents = 18;
constexpr int kPromptCharacters = 50;

// What follows the first event, which repeats the prompt.
constexpr std::array<std::string_view, kMockEvents - 1> kTexts{
    "This answer comes from the mock backend. ",
    "It needs no network and no key, ",
    "and it always says the same. ",
    "Apache took your request, ",
    "PHP looked at it, ",
    "and mod_socket_handoff passed your connection on. ",
    "From then on ",
    "neither an Apache worker ",
    "nor a PHP process ",
    "has waited for these words. ",
    "One thread with one ring ",
    "keeps the pace for all streams, ",
    "yours among them, ",
    "and sends each event ",
    "in the moment it is due. ",
    "Set another backend ",
    "to hear a real model.",
};

// The first characters of `text`, whole ones.
std::string_view first_characters(std::string_view text, int count) {
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    const bool starts_character = (static_cast<unsigned char>(text[end]) & 0xC0) != 0x80;
    if (starts_character && count-- == 0) break;
  }
  return text.substr(0, end);
}

// The same for all sessions of a backend, which outlives them.
struct Pace {
  TimerWheel& timers;
  const Duration delay;
};

class MockSession final : public BackendSession, private TimerOwner {
 public:
  MockSession(const Pace& pace, std::string_view prompt, EventSink& sink) : pace_(pace), sink_(sink), timer_(*this) {
    first_text_.append("You said: ");
    first_text_.append(prompt.empty() ? "nothing" : first_characters(prompt, kPromptCharacters));
    first_text_.append(' ');
    pace_.timers.schedule(timer_, Duration(0));
  }

  void pause() override { paused_ = true; }
  void resume() override {
    paused_ = false;
    if (!timer_.pending() && next_event_ < kMockEvents) pace_.timers.schedule(timer_, Duration(0));
  }
  void cancel() override {
    next_event_ = kMockEvents;
    timer_.stop();
  }

 private:
  void on_timer(Timer&) override {
    if (paused_) return;
    CHECK(next_event_ < kMockEvents);
    const int event = next_event_++;
    if (event == kMockEvents - 1) {
      send_text(kTexts.back());
      return sink_.on_end(FinishReason::kStop);
    }
    // From the moment that this one was due and not from now, so that lateness does not add up.
    pace_.timers.schedule_at(timer_, timer_.expiry() + pace_.delay);
    if (event == 0) {
      send_text(first_text_.view());
      first_text_.reset();
    } else {
      send_text(kTexts[static_cast<std::size_t>(event) - 1]);
    }
  }

  void send_text(std::string_view text) { sink_.on_event({.kind = AnswerEvent::Kind::kText, .text = text}); }

  const Pace& pace_;
  EventSink& sink_;
  Timer timer_;
  int next_event_ = 0;
  bool paused_ = false;
  Buffer first_text_;  // freed when it has been sent
};

static_assert(sizeof(MockSession) <= 88, "each stream pays for it, and the allocator gives 96 bytes with its own 8");

class MockBackend final : public DirectBackend {
 public:
  explicit MockBackend(const BackendEnvironment& environment)
      : pace_{environment.timers, environment.config.mock_delay} {}

  std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& sink) override {
    return std::make_unique<MockSession>(pace_, request.last_user_text(), sink);
  }

 private:
  const Pace pace_;
};

}  // namespace

std::unique_ptr<DirectBackend> make_mock_backend(const BackendEnvironment& environment) {
  return std::make_unique<MockBackend>(environment);
}

}  // namespace streaming
