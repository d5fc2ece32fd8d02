// SPDX-License-Identifier: Apache-2.0
#include "backends/registry.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/fake_http_client.h"
#include "support/recording_sink.h"

namespace streaming {
namespace {

TEST(HoldBackend, ShowsThatItLivesAndSaysNothingUntilItIsCancelled) {
  Config config;
  config.first_byte_timeout = Duration(1000);
  config.idle_timeout = Duration(5000);
  FakeHttpClient http;
  TimerWheel timers{Time(Duration(5000))};
  RecordingSink sink;
  const auto backend = make_hold_backend(BackendEnvironment{config, timers, http});
  const auto session = backend->start({}, sink);
  for (std::size_t signs = 0; signs < 10; ++signs) {
    EXPECT_EQ(sink.events.size(), signs) << "never from within start()";
    timers.set_now(timers.now() + Duration(999));
    timers.expire();
  }
  EXPECT_EQ(sink.count(AnswerEvent::Kind::kProgress), sink.events.size());
  session->cancel();
  EXPECT_EQ(timers.next_expiry(), std::nullopt);
}

}  // namespace
}  // namespace streaming
