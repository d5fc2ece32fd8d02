// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <random>
#include <string>
#include <utility>

#include "backends/local/typing_rhythm.h"
#include "base/check.h"
#include "base/random_id.h"
#include "base/utf8.h"

namespace streaming {
namespace {

struct KnownPrompt {
  std::string_view words;
  std::string_view answer;
};

constexpr std::string_view kGreeting = "Hello! Tell me anything, and I will type whatever comes to my mind.";
constexpr std::string_view kSelf =
    "I am the typing backend of streaming-daemon: no model, no network, just ten fingers that I do not have. I know no "
    "answers, but I type them one character at a time, with a pause after each sentence. Like this.";
constexpr std::string_view kWelcome = "You are welcome!";
constexpr std::string_view kFarewell = "Good-bye, and come back soon!";

// The usual first prompts of a demo's visitors, in lower case and without punctuation.
constexpr std::array<KnownPrompt, 11> kKnownPrompts{{{"hello", kGreeting},
                                                     {"hi", kGreeting},
                                                     {"hey", kGreeting},
                                                     {"help", kSelf},
                                                     {"who are you", kSelf},
                                                     {"what are you", kSelf},
                                                     {"how are you", "Quite well, thank you. And you?"},
                                                     {"thanks", kWelcome},
                                                     {"thank you", kWelcome},
                                                     {"bye", kFarewell},
                                                     {"goodbye", kFarewell}}};

constexpr std::array<std::string_view, 6> kSentences{
    "The kettle boiled, the cat slept, and the letter that would change everything waited in the rain.",
    "A good program does one thing well. A good programmer knows which one.",
    "Nobody had told the lighthouse that the ships had gone, so it went on saying: here, here, here.",
    "There are two ways to be fast: do less, or wait for nothing. This answer took the second.",
    "On Mondays the river ran backwards, which the ducks found practical and the fishermen did not.",
    "If you can read this one character at a time, then somebody has handed your connection over well.",
};

// Empty if the prompt is none of the known ones.
std::string_view known_answer(std::string_view prompt) {
  constexpr std::size_t kLongest = 32;
  if (prompt.size() > kLongest) return {};
  std::string words;
  for (const char character : prompt) {
    const auto byte = static_cast<unsigned char>(character);
    if (std::isalnum(byte) != 0) {
      words += static_cast<char>(std::tolower(byte));
    } else if (std::isspace(byte) != 0 && !words.empty() && words.back() != ' ') {
      words += ' ';
    }
  }
  while (words.ends_with(' ')) words.pop_back();
  for (const KnownPrompt& known : kKnownPrompts) {
    if (known.words == words) return known.answer;
  }
  return {};
}

// fortune's output without control characters; nothing if no text is left.
std::optional<std::string> clean(std::optional<std::string> output) {
  if (!output || !is_utf8(*output)) return std::nullopt;
  std::erase_if(*output,
                [](char byte) { return static_cast<unsigned char>(byte) < 0x20 && byte != '\n' && byte != '\t'; });
  while (!output->empty() && output->back() == '\n') output->pop_back();
  if (output->empty()) return std::nullopt;
  return output;
}

class TypingSession final : public BackendSession, private TimerOwner, private OutputReceiver {
 public:
  TypingSession(TimerWheel& timers, const TypingRhythm& rhythm, std::string_view fallback, EventSink& sink)
      : timers_(timers), sink_(sink), rhythm_(rhythm), fallback_(fallback), timer_(*this) {}
  ~TypingSession() override { cancel(); }

  void type(std::string_view text) {
    text_ = text;
    timers_.schedule(timer_, Duration(0));
  }
  // Types what the program prints.
  void ask(OutputReader& output_reader, const std::string& program) {
    fortune_ = output_reader.run({&program, 1}, *this);
    output_reader_ = &output_reader;
    if (!fortune_) type(fallback_);
  }

  void pause() override { paused_ = true; }
  void resume() override {
    paused_ = false;
    if (!timer_.pending() && !fortune_ && !ended_) timers_.schedule(timer_, Duration(0));
  }
  void cancel() override {
    ended_ = true;
    timer_.stop();
    if (fortune_) output_reader_->forget(*std::exchange(fortune_, std::nullopt));
  }

 private:
  void on_output(std::optional<std::string> output) override {
    fortune_.reset();
    output = clean(std::move(output));
    type(output ? std::string_view(*output) : fallback_);
  }

  void on_timer(Timer&) override {
    if (paused_) return;
    CHECK(!fortune_ && typed_ < text_.size());
    const std::string_view rest = std::string_view(text_).substr(typed_);
    const std::string_view character = rest.substr(0, first_character_bytes(rest));
    typed_ += character.size();
    const std::string_view next = rest.substr(character.size());
    if (!next.empty()) timers_.schedule_at(timer_, timer_.expiry() + rhythm_.pause_after(character, next));
    sink_.on_event({.kind = AnswerEvent::Kind::kText, .text = character});
    if (next.empty()) sink_.on_end(FinishReason::kStop);
  }

  TimerWheel& timers_;
  EventSink& sink_;
  TypingRhythm rhythm_;
  const std::string_view fallback_;
  Timer timer_;
  OutputReader* output_reader_ = nullptr;
  std::optional<Handle> fortune_;  // the program that prints the text, while it runs
  std::string text_;
  std::size_t typed_ = 0;  // its bytes
  bool paused_ = false;
  bool ended_ = false;
};

class TypingBackend final : public DirectBackend {
 public:
  explicit TypingBackend(const BackendEnvironment& environment)
      : config_(environment.config), timers_(environment.timers), output_reader_(environment.output_reader) {
    // Once, at start-up, because the look-up may block.
    const std::string& fortune = config_.typing_fortune;
    has_fortune_ = output_reader_ != nullptr && !fortune.empty() && access(fortune.c_str(), X_OK) == 0;
  }

  std::unique_ptr<BackendSession> start(const HandoffRequest& request, EventSink& sink) override {
    const std::string_view sentence = kSentences[random_() % kSentences.size()];
    const TypingRhythm rhythm(config_.typing_delay, static_cast<std::uint32_t>(random_()));
    auto session = std::make_unique<TypingSession>(timers_, rhythm, sentence, sink);
    const std::string_view answer = known_answer(request.last_user_text());
    if (!answer.empty()) {
      session->type(answer);
    } else if (has_fortune_) {
      session->ask(*output_reader_, config_.typing_fortune);
    } else {
      session->type(sentence);
    }
    return session;
  }

 private:
  const Config& config_;
  TimerWheel& timers_;
  OutputReader* const output_reader_;
  bool has_fortune_ = false;
  std::minstd_rand random_{random_seed()};
};

}  // namespace

std::unique_ptr<DirectBackend> make_typing_backend(const BackendEnvironment& environment) {
  if (environment.config.typing_use_api) return make_typed_answer_backend(environment);
  return std::make_unique<TypingBackend>(environment);
}

}  // namespace streaming
