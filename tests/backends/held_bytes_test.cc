// SPDX-License-Identifier: Apache-2.0
// The bytes that requests count in the shared budget: on each path of a request through a backend, and at each end. At
// an end the stream cancels the session.

#include <gtest/gtest.h>

#include <array>
#include <functional>

#include "backends/limits.h"
#include "backends/registry.h"
#include "backends/wrapping/fallback.h"
#include "base/log.h"
#include "support/parsed_payload.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

// Keeps the request as long as its transfer, like an engine whose server has not answered.
struct HoldingClient final : HttpClient {
  struct Transfer final : HttpTransfer {
    explicit Transfer(HttpRequest kept) : request(std::move(kept)) {}
    void pause() override {}
    void resume() override {}
    void let_finish() override {}
    const HttpRequest request;
  };
  std::unique_ptr<HttpTransfer> start(HttpRequest request, HttpReceiver& new_receiver) override {
    receiver = &new_receiver;
    body_bytes = request.body.size();
    return std::make_unique<Transfer>(std::move(request));
  }
  HttpReceiver* receiver = nullptr;
  std::size_t body_bytes = 0;
};

constexpr std::size_t kPromptBytes = 100'000;
constexpr char kWord[] = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";

class HeldBytesTest : public testing::Test {
 protected:
  HeldBytesTest() { log::set_level(log::Level::kOff); }

  void answer(Backend& backend, const std::string& more = "") {
    std::unique_ptr<HandoffRequest> request =
        parsed("{\"prompt\":\"" + std::string(kPromptBytes, 'x') + "\"" + more + "}");
    EXPECT_TRUE(request->count_in(budget));
    session = backend.answer(std::move(request), sink);
  }
  void head(int status = 200, std::string_view location = "") {
    http.receiver->on_head({.status = status, .content_location = location});
  }
  void pass(Duration time) {
    timers.set_now(timers.now() + time);
    timers.expire();
  }
  bool holds_the_body_alone() const { return budget.held() >= kPromptBytes && budget.held() < 2 * kPromptBytes; }
  bool holds_request_and_body() const { return budget.held() >= 2 * kPromptBytes; }
  void expect_nothing_after_the_end() {
    session->cancel();
    EXPECT_EQ(budget.held(), 0u);
    session.reset();  // must precede its backend's end
  }

  Config config;
  TimerWheel timers{Time(Duration(1))};
  HoldingClient http;
  Counters counters;
  ByteBudget budget{1'000'000};
  RecordingSink sink;
  const std::unique_ptr<DirectBackend> openai = make_openai_backend(BackendEnvironment{config, timers, http});
  std::unique_ptr<BackendSession> session;
};

TEST_F(HeldBytesTest, TheBodyIsLeftOfARequestThatIsSentOnce) {
  const std::unique_ptr<DirectBackend> backends[] = {
      make_openai_backend({config, timers, http}), make_anthropic_backend({config, timers, http}),
      make_langgraph_backend({config, timers, http})};
  for (const std::unique_ptr<DirectBackend>& backend : backends) {
    answer(*backend);
    EXPECT_EQ(budget.held(), http.body_bytes);
    EXPECT_GE(budget.held(), kPromptBytes);
    expect_nothing_after_the_end();
  }
}

TEST_F(HeldBytesTest, NothingIsLeftHoweverTheAnswerEnds) {
  const std::array<std::function<void()>, 5> ends = {
      [] {},  // the client has left
      [this] { http.receiver->on_finished("no route"); },
      [this] { head(500); },
      [this] {
        head();
        http.receiver->on_body("data: nonsense\n\n");
      },
      [this] {
        head();
        http.receiver->on_body(kWord);
        http.receiver->on_body("data: [DONE]\n\n");
      }};
  for (const std::function<void()>& end : ends) {
    answer(*openai);
    EXPECT_TRUE(holds_the_body_alone());
    end();
    expect_nothing_after_the_end();
  }
}

TEST_F(HeldBytesTest, ARequestIsKeptUntilItsLastTryHasBegun) {
  FallbackBackend backend({{"openai", openai.get()}}, {.retries = 1}, timers, counters);
  answer(backend);
  EXPECT_TRUE(holds_request_and_body());
  http.receiver->on_finished("no route");
  pass(kMaxRetryPause);
  EXPECT_TRUE(holds_the_body_alone());
  http.receiver->on_finished("no route");
  EXPECT_EQ(sink.failure, FailureKind::kUnreachable);
  expect_nothing_after_the_end();
}

TEST_F(HeldBytesTest, ARequestIsKeptForAFallbackUntilTheFirstEvent) {
  FallbackBackend backend({{"openai", openai.get()}, {"again", openai.get()}}, {}, timers, counters);
  answer(backend);
  head();
  http.receiver->on_body(": a comment\n\n");
  EXPECT_TRUE(holds_request_and_body());
  http.receiver->on_body(kWord);
  EXPECT_TRUE(holds_the_body_alone());
  expect_nothing_after_the_end();
}

TEST_F(HeldBytesTest, NothingIsLeftOfARequestWhoseClientLeavesBetweenTwoTries) {
  FallbackBackend backend({{"openai", openai.get()}}, {.retries = 1}, timers, counters);
  answer(backend);
  http.receiver->on_finished("no route");
  EXPECT_GE(budget.held(), kPromptBytes);
  expect_nothing_after_the_end();
}

TEST_F(HeldBytesTest, ARunIsKeptAsLongAsItsThreadMayBeMissing) {
  const std::unique_ptr<DirectBackend> langgraph = make_langgraph_backend({config, timers, http});
  const std::string on_thread = R"(,"thread_id":"t-1")";
  answer(*langgraph, on_thread);
  EXPECT_TRUE(holds_the_body_alone()) << "while the thread is made";
  head(200);
  http.receiver->on_finished("");
  pass(Duration(1));
  EXPECT_TRUE(holds_the_body_alone()) << "the thread is there: the run is sent once";
  expect_nothing_after_the_end();

  answer(*langgraph, on_thread);
  EXPECT_TRUE(holds_request_and_body()) << "a thread that is only remembered may have been deleted";
  head(200, "/threads/t-1/runs/r-1");
  http.receiver->on_body("event: metadata\ndata: {\"run_id\":\"r-1\"}\n\n");
  EXPECT_TRUE(holds_the_body_alone());
  expect_nothing_after_the_end();
}

}  // namespace
}  // namespace streaming
