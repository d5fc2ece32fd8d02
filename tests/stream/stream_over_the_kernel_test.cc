// SPDX-License-Identifier: Apache-2.0
// Streams over both engines, with the mock backend and real clients.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "backends/registry.h"
#include "base/log.h"
#include "stream/stream_table.h"
#include "support/fake_http_client.h"
#include "support/patience.h"
#include "support/ring_kinds.h"
#include "support/tcp_sockets.h"
#include "support/unix_sockets.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::StartsWith;

constexpr std::uint32_t kStreams = 64;

class StreamOverTheKernelTest : public testing::TestWithParam<RingKind> {
 protected:
  void SetUp() override {
    log::set_level(log::Level::kOff);
    Result<std::unique_ptr<Ring>> made = make_ring(GetParam().engine, {.direct_files = GetParam().direct_files,
                                                                       .client_files = kStreams + 256,
                                                                       .connection_files = 1,
                                                                       .receive_buffers = 1,
                                                                       .receive_bytes = 16});
    ASSERT_TRUE(made.ok()) << made.error().message;
    ring = std::move(*made);
    ASSERT_TRUE(ring->enable().ok());
    config.mock_delay = Duration(0);
    table.emplace(*ring, timers, load, users, reports, counters,
                  StreamSettings{.max_streams = kStreams,
                                 .max_stream_duration = Duration(60'000),
                                 .first_byte_timeout = Duration(30'000),
                                 .idle_timeout = Duration(30'000),
                                 .write_timeout = Duration(30'000),
                                 .heartbeat_interval = Duration(0),
                                 .max_queued_bytes = 64 * 1024,
                                 .log_each_stream = false});
    table->enter_at(completions);
    load.assigned = 1000;
  }

  void open(UniqueFd socket) {
    Client client{std::move(socket)};
    ASSERT_TRUE(table->open(client, std::make_unique<HandoffRequest>(), *backend));
  }
  // Runs the loop until the condition holds; fails the test if it does not within kPatience.
  void run_until(const std::function<bool()>& condition) {
    const Time deadline = MonotonicClock::now() + kPatience;
    while (!condition()) {
      ASSERT_LT(MonotonicClock::now(), deadline) << "the condition never held";
      const std::optional<Time> next = timers.next_expiry();
      const Duration wait = next ? std::clamp(*next - timers.now(), Duration(0), Duration(50)) : Duration(50);
      ASSERT_TRUE(ring->wait(std::chrono::nanoseconds(wait).count()).ok());
      timers.set_now(MonotonicClock::now());
      ring->dispatch(completions);
      timers.expire();
      timers.end_turn();
    }
  }
  std::uint64_t closed(CloseCause cause) const { return table->metrics().closed_by(cause); }

  Config config;
  TimerWheel timers{MonotonicClock::now()};
  FakeHttpClient http;
  WorkerLoad load;
  UserLimits limits{0, 0};
  UserPlaces users{limits};
  Counters counters;
  ByteBudget records{kMaxRecordsBytes};
  AnswerReports reports{config, timers, http, counters, records, nullptr};
  std::unique_ptr<Ring> ring;
  std::unique_ptr<Backend> backend;
  std::optional<StreamTable> table;
  CompletionTable completions;

  void use_mock(Duration delay) {
    config.mock_delay = delay;
    backend = make_mock_backend(BackendEnvironment{config, timers, http});
  }
};

TEST_P(StreamOverTheKernelTest, StreamsToManyClientsAtOnce) {
  use_mock(Duration(1));
  std::vector<std::string> answers(kStreams);
  std::vector<std::thread> readers;
  for (std::uint32_t i = 0; i < kStreams; ++i) {
    auto [client, browser] = i % 2 == 0 ? socket_pair() : tcp_pair();
    readers.emplace_back([&answers, i, fd = std::move(browser)] { answers[i] = read_to_end(fd.get()); });
    open(std::move(client));
  }
  run_until([&] { return table->empty(); });
  for (std::thread& reader : readers) reader.join();
  for (const std::string& answer : answers) {
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n"));
  }
  EXPECT_EQ(closed(CloseCause::kCompleted), kStreams);
  EXPECT_EQ(load.assigned, 1000 - kStreams);
}

TEST_P(StreamOverTheKernelTest, LosesNothingWhenTheClientsBufferIsFull) {
  use_mock(Duration(0));
  auto [client, browser] = tcp_pair();
  const int tiny = 1;
  ASSERT_EQ(setsockopt(client.get(), SOL_SOCKET, SO_SNDBUF, &tiny, sizeof tiny), 0);
  // Fills the client's buffer before the hand-over.
  std::string filled;
  const std::string piece(4096, 'f');
  for (ssize_t sent; (sent = send(client.get(), piece.data(), piece.size(), MSG_DONTWAIT)) > 0;) {
    filled.append(piece, 0, static_cast<std::size_t>(sent));
  }
  open(std::move(client));
  run_until([&] { return counters.get(Counter::kEvents) == 18; });
  EXPECT_EQ(counters.get(Counter::kBytes), 0u);

  std::string answer;
  std::thread reader([&answer, fd = std::move(browser)] { answer = read_to_end(fd.get()); });
  run_until([&] { return table->empty(); });
  reader.join();
  ASSERT_GT(answer.size(), filled.size());
  EXPECT_EQ(answer.substr(0, filled.size()), filled);
  EXPECT_THAT(answer.substr(filled.size()), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n"));
}

TEST_P(StreamOverTheKernelTest, DoesNotResetAClientThatHasSentMoreThanItsRequest) {
  use_mock(Duration(0));
  auto [client, browser] = tcp_pair();
  const std::string pipelined(100'000, 'p');
  ASSERT_EQ(send(browser.get(), pipelined.data(), pipelined.size(), 0), static_cast<ssize_t>(pipelined.size()));
  open(std::move(client));
  std::string answer;
  int error = -1;
  std::thread reader([&answer, &error, fd = std::move(browser)] { answer = read_to_end(fd.get(), error); });
  run_until([&] { return table->empty(); });
  reader.join();
  EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(error, 0) << "an end, not a reset";
}

TEST_P(StreamOverTheKernelTest, SeesAClientThatLeavesWhileNothingIsSent) {
  use_mock(Duration(3'600'000));
  auto [client, browser] = tcp_pair();
  open(std::move(client));
  run_until([&] { return counters.get(Counter::kBytes) > 0; });
  browser.reset();
  run_until([&] { return table->empty(); });
  EXPECT_EQ(closed(CloseCause::kClientGone), 1u);
}

TEST_P(StreamOverTheKernelTest, UsesTheSlotsOfStreamsThatHaveEnded) {
  use_mock(Duration(0));
  for (int round = 0; round < 20; ++round) {
    std::vector<UniqueFd> browsers;
    for (std::uint32_t i = 0; i < kStreams; ++i) {
      auto [client, browser] = socket_pair();
      open(std::move(client));
      browsers.push_back(std::move(browser));
    }
    run_until([&] { return counters.get(Counter::kEvents) == static_cast<std::uint64_t>(round + 1) * kStreams * 18; });
    browsers.clear();
    run_until([&] { return table->empty(); });
  }
  EXPECT_EQ(table->metrics().peak.get(), kStreams);
}

INSTANTIATE_TEST_SUITE_P(, StreamOverTheKernelTest, testing::ValuesIn(ring_kinds_of_this_kernel()), name_of_ring_kind);

}  // namespace
}  // namespace streaming
