// SPDX-License-Identifier: Apache-2.0
#include "upstream/reconnect_gate.h"

#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <sstream>

#include "base/log.h"
#include "upstream/limits.h"

namespace streaming {
namespace {

class ReconnectGateTest : public testing::Test {
 protected:
  ReconnectGateTest() : before_(spdlog::default_logger()) {
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(log_)));
  }
  ~ReconnectGateTest() override { spdlog::set_default_logger(before_); }

  long lines() const {
    const std::string text = log_.str();
    return std::count(text.begin(), text.end(), '\n');
  }
  // The pause that the failure makes.
  Duration fail(ConnectionEnd cause = ConnectionEnd::kClosed) {
    gate.on_failure(cause, "some error", now);
    return gate.opens_at() - now;
  }

  ReconnectGate gate{"upstream api.example:443", kMaxReopenPause};
  Time now{Duration(1000)};

 private:
  std::ostringstream log_;
  std::shared_ptr<spdlog::logger> before_;
};

TEST_F(ReconnectGateTest, IsOpenUntilAConnectionIsOfNoUse) {
  EXPECT_LE(gate.opens_at(), now);
  EXPECT_FALSE(gate.failing());
  EXPECT_GT(fail(), Duration(0));
  EXPECT_TRUE(gate.failing());
  EXPECT_EQ(gate.error(), "some error");
}

TEST_F(ReconnectGateTest, GrowsItsPauseUpToALimitAndForgetsItWithTheFirstAnswer) {
  Duration longest = kFirstReopenPause;
  for (int i = 0; i < 20; ++i) {
    const Duration pause = fail();
    EXPECT_LE(pause, longest);
    EXPECT_GE(pause, longest * 3 / 4);
    longest = std::min(longest * 2, kMaxReopenPause);
  }
  gate.on_answer();
  EXPECT_LE(gate.opens_at(), now);
  EXPECT_LE(fail(), kFirstReopenPause);
}

TEST_F(ReconnectGateTest, LogsEachCauseOnceAndTheRecovery) {
  for (int i = 0; i < 10; ++i) fail(ConnectionEnd::kTlsFailed);
  EXPECT_EQ(lines(), 1);
  for (int i = 0; i < 10; ++i) fail(ConnectionEnd::kUnreachable);
  EXPECT_EQ(lines(), 2);
  gate.on_answer();
  gate.on_answer();
  EXPECT_EQ(lines(), 3);
}

}  // namespace
}  // namespace streaming
