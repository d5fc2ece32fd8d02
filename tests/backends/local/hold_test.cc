// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "backends/backend_fixture.h"

namespace streaming {
namespace {

class HoldBackend : public BackendTest {
 protected:
  HoldBackend() : BackendTest(make_hold_backend) {}
};

TEST_F(HoldBackend, ShowsThatItLivesAndSaysNothingUntilItIsCancelled) {
  config.first_byte_timeout = Duration(1000);
  config.idle_timeout = Duration(5000);
  start();
  for (std::size_t signs = 0; signs < 10; ++signs) {
    EXPECT_EQ(sink.events.size(), signs) << "never from within start()";
    pass(Duration(999));
  }
  EXPECT_EQ(sink.count(AnswerEvent::Kind::kProgress), sink.events.size());
  session->cancel();
  EXPECT_EQ(timers.next_expiry(), std::nullopt);
}

}  // namespace
}  // namespace streaming
