// SPDX-License-Identifier: Apache-2.0
// What a kept answer takes besides its frames, by malloc's own count, against an answer that is not kept.

#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "answers/answer_table.h"
#include "base/log.h"
#include "support/fake_backend.h"
#include "support/fake_http_client.h"
#include "support/parsed_payload.h"

namespace streaming {
namespace {

// Of a kept answer with one follower: its frames, and these.
constexpr double kPartOfFrames = 1.25;
constexpr std::size_t kBytesBesides = 300;

constexpr std::size_t kAnswers = 512;

std::size_t allocated_bytes() {
  const struct mallinfo2 memory = mallinfo2();
  return memory.uordblks + memory.hblkhd;
}

// Keeps nothing of what it gets.
class PassingSink final : public EventSink {
 public:
  void on_event(const AnswerEvent&) override {}
  void on_usage(const Usage&) override {}
  void on_end(FinishReason) override { session->cancel(); }
  void on_failure(const BackendFailure&) override { session->cancel(); }
  bool wants_upstream_events() const override { return false; }
  std::string stream_id() const override { return {}; }

  std::unique_ptr<BackendSession> session;
};

// By the bytes of an answer's frames.
class KeptAnswerMemoryTest : public testing::TestWithParam<std::size_t>, private AnswerObserver {
 protected:
  KeptAnswerMemoryTest() {
    log::set_level(log::Level::kOff);
  }

  // Lets each answer have its frames; one event if they are few.
  void fill(EventSink& sink) {
    const std::string piece(GetParam() < 100 ? GetParam() - kFrameBytes : 40, 'x');
    for (std::size_t bytes = 0; bytes < GetParam(); bytes += kFrameBytes + piece.size()) {
      sink.on_event({.kind = AnswerEvent::Kind::kText, .text = piece});
    }
  }
  // Of answers that are not kept.
  std::size_t unkept_bytes() {
    std::vector<PassingSink> sinks(kAnswers);
    const std::size_t before = allocated_bytes();
    for (PassingSink& sink : sinks) sink.session = backend.answer(parsed(R"({"answer_id":"100000"})"), sink);
    return (allocated_bytes() - before) / kAnswers;
  }
  static std::size_t most(std::size_t frame_bytes) {
    return static_cast<std::size_t>(kPartOfFrames * static_cast<double>(frame_bytes)) + kBytesBesides;
  }

  static constexpr std::size_t kFrameBytes = 29;  // of a frame without its text

  TimerWheel timers{Time(Duration(1000))};
  AnswerDirectory directory;
  UserLimits limits{0, 0};
  UserPlaces users{limits};
  Counters counters;
  FakeHttpClient http;
  ByteBudget records{1024 * 1024};
  AnswerReports reports{Config{}, timers, http, counters, records, nullptr};
  FakeBackend backend;
  AnswerTable table{0, timers, directory, users, reports, counters, *this,
                    {.max_running = kAnswers,
                     .max_followers = 4,
                     .max_answer_bytes = 1024 * 1024,
                     .max_kept_bytes = 64 * 1024 * 1024,
                     .keep_after_end = Duration(300'000),
                     .first_byte_timeout = Duration(30'000),
                     .idle_timeout = Duration(60'000)}};

 private:
  void on_answer_begun(const KeptAnswer&) override {}
  void on_answer_ended(const KeptAnswer&) override {}
};

TEST_P(KeptAnswerMemoryTest, IsItsFramesAQuarterAndThreeHundredBytes) {
  std::vector<PassingSink> sinks(kAnswers);
  std::vector<EventSink*> sources(kAnswers);
  std::vector<KeptAnswer*> answers(kAnswers);
  unkept_bytes();  // what malloc holds back of freed memory counts as allocated
  const std::size_t unkept = unkept_bytes();
  const std::size_t before = allocated_bytes();
  for (std::size_t i = 0; i < kAnswers; ++i) {
    auto request = parsed("{\"answer_id\":\"" + std::to_string(100'000 + i) + "\"}");
    answers[i] = table.start(*request, Format::kContent, backend).answer;
    ASSERT_NE(answers[i], nullptr);
    sinks[i].session = answers[i]->answer(std::move(request), sinks[i]);
    sources[i] = backend.sink;
  }
  timers.expire();
  for (EventSink* source : sources) fill(*source);
  const std::size_t running = (allocated_bytes() - before) / kAnswers - unkept;
  if (before == 0) GTEST_SKIP() << "this allocator does not count";
  EXPECT_LE(running, most(answers[0]->bytes()));
  RecordProperty("bytes_besides_frames_while_running", static_cast<int>(running - answers[0]->bytes()));

  for (EventSink* source : sources) source->on_end(FinishReason::kStop);
  for (int turns = 0; turns < 3; ++turns) timers.expire();
  sinks.clear();
  const std::size_t ended = (allocated_bytes() - before) / kAnswers;
  EXPECT_LE(ended, most(answers[0]->bytes()));
  RecordProperty("bytes_besides_frames_after_the_end", static_cast<int>(ended - answers[0]->bytes()));
  // What counts for the limit is no less than what is taken, but for what the process allocates besides.
  constexpr std::size_t kBesides = 16 * 1024;
  EXPECT_GE(table.metrics().bytes.get() + kBesides, kAnswers * ended);
}

INSTANTIATE_TEST_SUITE_P(, KeptAnswerMemoryTest, testing::Values(60, 2048, 20 * 1024));

}  // namespace
}  // namespace streaming
