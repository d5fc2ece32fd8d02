// SPDX-License-Identifier: Apache-2.0
// Sessions that wrap another one, under random sequences of actions by the stream, the inner session, the clock, the
// disk and an API's server.

#include "backends/wrapping/wrapping_session.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <array>
#include <functional>
#include <random>
#include <vector>

#include "backends/registry.h"
#include "backends/wrapping/attachment_backend.h"
#include "backends/wrapping/fallback.h"
#include "base/log.h"
#include "files/file_reader.h"
#include "support/fake_http_client.h"
#include "support/fake_ring.h"
#include "support/parsed_payload.h"

namespace streaming {
namespace {

constexpr int kSequences = 400;
constexpr int kSteps = 60;

// A backend whose sessions check that they are called only when allowed.
class GuardedBackend final : public DirectBackend {
 public:
  ~GuardedBackend() override { EXPECT_EQ(sessions_, 0); }

  std::unique_ptr<BackendSession> start(const HandoffRequest&, EventSink& sink) override {
    return std::make_unique<Session>(*this, sink);
  }

  // The sink of the session that may report; null if there is none.
  EventSink* sink() const { return sink_; }
  bool paused() const { return paused_; }

 private:
  class Session final : public BackendSession {
   public:
    Session(GuardedBackend& backend, EventSink& sink) : backend_(backend) {
      EXPECT_EQ(backend.sink_, nullptr) << "two sessions at one time";
      ++backend.sessions_;
      backend.sink_ = &sink;
      backend.paused_ = false;
    }
    ~Session() override {
      if (!cancelled_) backend_.sink_ = nullptr;
      --backend_.sessions_;
    }
    void pause() override {
      EXPECT_FALSE(cancelled_) << "paused after it was cancelled";
      backend_.paused_ = true;
    }
    void resume() override {
      EXPECT_FALSE(cancelled_) << "resumed after it was cancelled";
      backend_.paused_ = false;
    }
    void cancel() override {
      EXPECT_FALSE(std::exchange(cancelled_, true)) << "cancelled twice";
      backend_.sink_ = nullptr;
    }

   private:
    GuardedBackend& backend_;
    bool cancelled_ = false;
  };

  EventSink* sink_ = nullptr;
  bool paused_ = false;
  int sessions_ = 0;
};

// A stream: it cancels its session when the answer is over, and must get no call after that.
class GuardedSink final : public EventSink {
 public:
  void on_event(const AnswerEvent&) override { EXPECT_FALSE(over) << "an event after the end"; }
  void on_usage(const Usage&) override { EXPECT_FALSE(over) << "usage after the end"; }
  void on_end(FinishReason) override { end(); }
  void on_failure(const BackendFailure&) override { end(); }
  bool wants_upstream_events() const override { return false; }
  std::string stream_id() const override { return "0.1.2"; }

  void end() {
    EXPECT_FALSE(std::exchange(over, true)) << "a second end";
    session->cancel();
  }

  std::unique_ptr<BackendSession> session;
  bool over = false;  // the answer has ended, or the client has left
};

class WrappingSessionTest : public testing::Test {
 protected:
  using Step = std::function<void()>;

  WrappingSessionTest() {
    log::set_level(log::Level::kOff);
    files_.enter_at(completions_);
    ring_.set_handler(completions_);
  }
  ~WrappingSessionTest() override {
    while (!ring_.pending.empty()) complete(ring_.pending.front());
    EXPECT_TRUE(files_.empty());
  }

  // Runs the steps many times in random order, each time with a new session.
  void run(Backend& backend, const std::string& payload, const std::vector<Step>& steps,
           const std::function<void()>& look = [] {}) {
    for (int sequence = 0; sequence < kSequences && !HasFailure(); ++sequence) {
      SCOPED_TRACE("sequence " + std::to_string(sequence));
      random_.seed(static_cast<unsigned>(sequence));
      sink_ = std::make_unique<GuardedSink>();
      paused_ = false;
      sink_->session = backend.answer(parsed(payload), *sink_);
      for (int step = 0; step < kSteps; ++step) {
        stream_step();
        steps[random_() % steps.size()]();
        look();
      }
      sink_.reset();
    }
  }
  bool over() const { return sink_->over; }
  bool paused() const { return paused_; }

  // --- What happens around a session ---

  static void speak(GuardedBackend& inner, int choice) {
    EventSink* const sink = inner.sink();
    if (sink == nullptr) return;
    switch (choice % 8) {
      case 0:
      case 1:
        return sink->on_event({.kind = AnswerEvent::Kind::kProgress});
      case 2:
        return sink->on_event({.kind = AnswerEvent::Kind::kText, .text = "word"});
      case 3:
        return sink->on_usage({.input_tokens = 1, .output_tokens = 1});
      case 4:
        return sink->on_end(FinishReason::kStop);
      case 5:
        return sink->on_failure({.kind = FailureKind::kStatus, .detail = "status 400", .status = 400});
      default:
        return sink->on_failure({.kind = FailureKind::kUnreachable, .detail = "why"});
    }
  }
  Step speaking(GuardedBackend& inner) {
    return [this, &inner] { speak(inner, random()); };
  }
  void pass_time() {
    constexpr std::array<int, 4> kTimes{0, 1, 100, 10'000};
    timers_.set_now(timers_.now() + Duration(kTimes[random_() % kTimes.size()]));
    timers_.expire();
  }
  void complete_file_operation() {
    if (!ring_.pending.empty()) complete(ring_.pending.front());
  }
  int random() { return static_cast<int>(random_() % 1024); }

  TimerWheel timers_{Time(Duration(1000))};
  Counters counters_;
  FakeRing ring_;
  FileReader files_{ring_};
  CompletionTable completions_;

 private:
  // A stream's own actions; it neither pauses nor resumes after the end.
  void stream_step() {
    const int choice = random() % 16;
    if (choice == 0) {
      sink_->over = true;
      sink_->session->cancel();
    } else if (!sink_->over && choice < 4) {
      paused_ = true;
      sink_->session->pause();
    } else if (!sink_->over && choice < 8) {
      paused_ = false;
      sink_->session->resume();
    }
  }
  void complete(const FakeRing::Submitted& pending) {
    const Operation operation = pending.tag.operation;
    if (random() % 16 == 0) return ring_.complete(operation, -EIO);
    if (operation == Operation::kFileStatus) {
      pending.status->stx_mode = S_IFREG;
      pending.status->stx_size = 4;
    }
    if (operation == Operation::kFileRead) std::fill(pending.room.begin(), pending.room.end(), 'x');
    ring_.complete(operation, operation == Operation::kFileOpen ? kNoDescriptor : static_cast<int>(pending.room.size()));
  }

  static constexpr int kNoDescriptor = 1'000'000;  // higher than any file here

  std::minstd_rand random_;
  std::unique_ptr<GuardedSink> sink_;
  bool paused_ = false;
};

TEST_F(WrappingSessionTest, TriesCallNoSessionThatIsGoneAndEndOnce) {
  GuardedBackend first, second;
  FallbackBackend backend({{"first", &first}, {"second", &second}}, {.retries = 2, .try_timeout = Duration(1000)},
                          timers_, counters_);
  run(backend, R"({"prompt":"hi"})", {speaking(first), speaking(second), [this] { pass_time(); }}, [&] {
    for (const GuardedBackend* inner : {&first, &second}) {
      if (inner->sink() == nullptr) continue;
      EXPECT_FALSE(over()) << "a try outlives its stream";
      EXPECT_EQ(inner->paused(), paused()) << "a try does not know of the pause";
    }
  });
}

TEST_F(WrappingSessionTest, AttachmentsCallNoSessionThatIsGoneAndEndOnce) {
  Config config;
  config.attachments_data_dir = "/nonexistent";
  config.attachments_delete_after_use = true;
  GuardedBackend inner;
  AttachmentBackend backend(inner, config, files_, std::make_shared<const UniqueFd>());
  run(backend, R"({"prompt":"{a} {b}","attachments":["a","b"]})",
      {speaking(inner), [this] { complete_file_operation(); }}, [&] {
        if (inner.sink() == nullptr) return;
        EXPECT_FALSE(over());
        EXPECT_EQ(inner.paused(), paused());
      });
}

// Two layers, like those of a set of backends.
TEST_F(WrappingSessionTest, AttachmentsOfTriesCallNoSessionThatIsGoneAndEndOnce) {
  Config config;
  config.attachments_data_dir = "/nonexistent";
  GuardedBackend first, second;
  FallbackBackend tries({{"first", &first}, {"second", &second}}, {.retries = 1}, timers_, counters_);
  AttachmentBackend backend(tries, config, files_, std::make_shared<const UniqueFd>());
  run(backend, R"({"prompt":"hi","attachments":["a"]})",
      {speaking(first), speaking(second), [this] { pass_time(); }, [this] { complete_file_operation(); }});
}

TEST_F(WrappingSessionTest, LangGraphCallsNoSessionThatIsGoneAndEndsOnce) {
  Config config;
  FakeHttpClient http;
  const auto backend = make_langgraph_backend(BackendEnvironment{config, timers_, http});
  // As an engine calls its receiver: one head, the body, and one end, which is whole only after the head.
  const auto answer = [&] {
    constexpr std::array kStatuses{200, 201, 404, 409, 500};
    if (http.receiver == nullptr) return;
    const bool has_head = http.request.url.empty();  // emptied below
    if (random() % 2 == 0) {
      const bool whole = has_head && random() % 2 == 0;
      return std::exchange(http.receiver, nullptr)->on_finished(whole ? "" : "broken");
    }
    if (has_head) {
      return http.receiver->on_body("event: messages\ndata: [{\"type\":\"ai\",\"content\":\"Hi\"},{}]\n\n");
    }
    http.request.url.clear();
    http.receiver->on_head({.status = kStatuses[static_cast<std::size_t>(random()) % kStatuses.size()],
                            .content_type = {},
                            .retry_after = {},
                            .content_location = "/threads/t/runs/r"});
  };
  run(*backend, R"({"prompt":"hi","thread_id":"t"})", {answer, answer, [this] { pass_time(); }});
}

TEST_F(WrappingSessionTest, MockAmongTriesEndsOnce) {
  Config config;
  FakeHttpClient http;
  GuardedBackend first;
  const auto mock = make_mock_backend(BackendEnvironment{config, timers_, http});
  FallbackBackend backend({{"first", &first}, {"mock", mock.get()}}, {.try_timeout = Duration(50)}, timers_, counters_);
  run(backend, R"({"prompt":"hi"})", {speaking(first), [this] { pass_time(); }});
}

TEST(MockSession, SaysNothingWhenItIsResumedAfterItsEnd) {
  Config config;
  FakeHttpClient http;
  TimerWheel timers{Time(Duration(1000))};
  GuardedSink sink;
  const auto backend = make_mock_backend(BackendEnvironment{config, timers, http});
  sink.session = backend->start({}, sink);
  sink.over = true;
  sink.session->cancel();
  sink.session->pause();
  sink.session->resume();
  EXPECT_EQ(timers.next_expiry(), std::nullopt);
}

}  // namespace
}  // namespace streaming
