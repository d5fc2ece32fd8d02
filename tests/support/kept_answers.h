// SPDX-License-Identifier: Apache-2.0
// KeptAnswersFixture: a worker's table of kept answers and what it borrows, without a ring. The test speaks for the backend.

#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "answers/answer_table.h"
#include "base/log.h"
#include "support/fake_backend.h"
#include "support/fake_http_client.h"

namespace streaming {

inline constexpr AnswerSettings kAnswerSettings{.max_running = 100,
                                                .max_followers = 4,
                                                .max_answer_bytes = 64 * 1024,
                                                .max_kept_bytes = 256 * 1024,
                                                .keep_after_end = Duration(300'000),
                                                .max_stream_duration = Duration(300'000),
                                                .first_byte_timeout = Duration(30'000),
                                                .idle_timeout = Duration(60'000)};

class KeptAnswersFixture : public testing::Test, private AnswerObserver {
 protected:
  KeptAnswersFixture() { log::set_level(log::Level::kOff); }

  void turn() {
    timers.expire();
    timers.end_turn();
  }
  void pass(Duration time) {
    timers.set_now(timers.now() + time);
    for (int turns = 0; turns < 3; ++turns) turn();
  }

  TimerWheel timers{Time(Duration(1000))};
  AnswerDirectory directory;
  UserLimits limits{1, 0};
  UserPlaces users{limits};
  Counters counters;
  FakeHttpClient http;
  ByteBudget records{1024 * 1024};
  AnswerReports reports{Config{}, timers, http, counters, records, nullptr};
  FakeBackend backend;
  std::vector<CloseCause> ended;
  AnswerTable table{0, timers, directory, users, reports, counters, *this, kAnswerSettings};

 private:
  void on_answer_begun(const KeptAnswer&) override {}
  void on_answer_ended(const KeptAnswer& answer) override { ended.push_back(answer.end()->cause); }
};

}  // namespace streaming
