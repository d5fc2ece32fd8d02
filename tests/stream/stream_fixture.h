// SPDX-License-Identifier: Apache-2.0
// The fixture of tests of a stream: a table of two slots over a ring whose completions the test decides, and a backend
// that the test controls.

#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "stream/stream_table.h"
#include "support/fake_http_client.h"
#include "support/fake_backend.h"
#include "support/fake_ring.h"

namespace streaming {

class StreamTest : public testing::Test, private CompletionHandler {
 protected:
  static constexpr StreamSettings kSettings{.max_streams = 2,
                                            .max_stream_duration = Duration(300'000),
                                            .first_byte_timeout = Duration(30'000),
                                            .idle_timeout = Duration(60'000),
                                            .write_timeout = Duration(30'000),
                                            .heartbeat_interval = Duration(15'000),
                                            .max_queued_bytes = 64 * 1024,
                                            .log_each_stream = false};

  explicit StreamTest(const StreamSettings& settings = kSettings)
      : table{ring, timers, load, users, reports, counters, settings} {
    log::set_level(log::Level::kOff);
    table.enter_at(completions);
    ring.set_handler(*this);
    load.assigned = 10;
  }

  void open(std::unique_ptr<HandoffRequest> request = std::make_unique<HandoffRequest>()) {
    EXPECT_TRUE(try_to_open(std::move(request)));
  }
  Admission try_to_open(std::unique_ptr<HandoffRequest> request = std::make_unique<HandoffRequest>()) {
    Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
    Admission admission = table.open(client, std::move(request), backend);
    timers.end_turn();
    return admission;
  }
  void text(std::string_view piece) { backend.sink->on_event({.kind = AnswerEvent::Kind::kText, .text = piece}); }
  void end_of_turn() { timers.end_turn(); }
  void pass(Duration time) {
    timers.set_now(timers.now() + time);
    timers.expire();
    timers.end_turn();
  }
  // Completes all sends of the stream, and returns their bytes.
  std::string send_all() {
    std::string sent;
    while (ring.count(Operation::kClientSend) > 0) sent += ring.complete_send(Operation::kClientSend);
    return sent;
  }
  void client_leaves() { ring.complete(Operation::kClientWatch, POLLIN | POLLRDHUP); }
  // Completes the cancelled operations and the close.
  void finish() {
    ring.complete_cancelled();
    ring.complete(Operation::kClientClose, 0);
  }
  std::uint64_t closed(CloseCause cause) const { return table.metrics().closed_by(cause); }

  FakeRing ring;
  TimerWheel timers{Time(Duration(1000))};
  WorkerLoad load;
  Counters counters;
  FakeBackend backend;
  UserLimits limits{1, 0};
  UserPlaces users{limits};
  ByteBudget records{kMaxRecordsBytes};
  FakeHttpClient http;
  AnswerReports reports{Config{}, timers, http, counters, records, nullptr};
  StreamTable table;
  CompletionTable completions;

 private:
  void on_completion(const Completion& completion) override {
    completions.on_completion(completion);
    timers.end_turn();
  }
};

}  // namespace streaming
