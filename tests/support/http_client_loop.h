// SPDX-License-Identifier: Apache-2.0
// HttpClientLoop: what a worker does for its HttpClient (a ring, timers, a loop), with a receiver that keeps its calls.

#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "ring/timer_wheel.h"
#include "ring/uring_ring.h"
#include "support/patience.h"
#include "upstream/upstream_client.h"

namespace streaming {

struct RecordingReceiver final : HttpReceiver {
  void on_head(const HttpHead& head) override {
    EXPECT_EQ(status, 0) << "only once";
    status = head.status;
    content_type = head.content_type;
    retry_after = head.retry_after;
    content_location = head.content_location;
    on_head_hook();
  }
  void on_body(std::string_view bytes) override {
    body += bytes;
    on_body_hook();
  }
  void on_finished(std::string_view new_error) override {
    EXPECT_FALSE(finished) << "only once";
    finished = true;
    error = new_error;
    transfer.reset();
    on_finished_hook();
  }

  std::unique_ptr<HttpTransfer> transfer;
  int status = 0;
  std::string content_type, retry_after, content_location, body, error;
  bool finished = false;
  std::function<void()> on_head_hook = [] {};
  std::function<void()> on_body_hook = [] {};
  std::function<void()> on_finished_hook = [] {};
};

class HttpClientLoop final {
 public:
  // `name_servers` resolve names, in the form that UpstreamClient accepts.
  explicit HttpClientLoop(const std::string& name_servers = "") {
    EXPECT_TRUE(UpstreamClient::start_library().ok());
    Result<std::unique_ptr<Ring>> made = UringRing::create({.client_files = 1,
                                                            .connection_files = 1,
                                                            .receive_buffers = 1,
                                                            .receive_bytes = 16,
                                                            .stream_buffers = 4,
                                                            .stream_bytes = 4096});
    EXPECT_TRUE(made.ok());
    ring = std::move(*made);
    EXPECT_TRUE(ring->enable().ok());
    client.emplace(*ring, timers, name_servers);
    client->enter_at(completions);
  }

  // Runs the loop until `condition` holds; fails the test if it does not within kPatience.
  void run_until(const std::function<bool()>& condition) {
    const Time deadline = MonotonicClock::now() + kPatience;
    while (!condition()) {
      ASSERT_LT(MonotonicClock::now(), deadline) << "the condition never held";
      turn(Duration(50));
    }
  }
  void turn(Duration at_most) {
    const std::optional<Time> next = timers.next_expiry();
    const Duration wait = next ? std::clamp(*next - timers.now(), Duration(0), at_most) : at_most;
    ASSERT_TRUE(ring->wait(std::chrono::nanoseconds(wait).count()).ok());
    timers.set_now(MonotonicClock::now() + skipped);
    ring->dispatch(completions);
    timers.expire();
    timers.end_turn();
  }
  // Makes the timers believe that this time has passed.
  void skip(Duration time) {
    skipped += time;
    turn(Duration(0));
  }

  TimerWheel timers{MonotonicClock::now()};
  std::unique_ptr<Ring> ring;
  std::optional<UpstreamClient> client;
  CompletionTable completions;

 private:
  Duration skipped{0};
};

}  // namespace streaming
