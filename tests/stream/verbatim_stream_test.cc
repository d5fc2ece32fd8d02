// SPDX-License-Identifier: Apache-2.0
// Streams whose backend writes the whole response itself, in a place that was taken for them.

#include <cerrno>

#include "stream/stream_fixture.h"

namespace streaming {
namespace {

constexpr StreamSettings kWithoutLifetime{.max_streams = 2,
                                          .first_byte_timeout = Duration(30'000),
                                          .idle_timeout = Duration(60'000),
                                          .write_timeout = Duration(30'000),
                                          .heartbeat_interval = Duration(15'000),
                                          .max_queued_bytes = 64 * 1024,
                                          .early_head = false,
                                          .log_each_stream = false};

class VerbatimStreamTest : public StreamTest {
 protected:
  VerbatimStreamTest() : StreamTest(kWithoutLifetime) { EXPECT_TRUE(table.take_place("7", place)); }

  Admission open_verbatim() {
    Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
    Admission admission = table.open_at(place, client, std::make_unique<HandoffRequest>(), Format::kVerbatim, backend);
    timers.end_turn();
    EXPECT_NE(static_cast<bool>(client.socket), static_cast<bool>(admission));
    return admission;
  }

  StreamTable::Place place;
};

TEST_F(VerbatimStreamTest, SendsTextsAsTheyAreAndNothingElse) {
  ASSERT_TRUE(open_verbatim());
  EXPECT_EQ(send_all(), "");
  text("HTTP/1.1 200 OK\r\n\r\n");
  text("\"text\"");
  end_of_turn();
  EXPECT_EQ(send_all(), "HTTP/1.1 200 OK\r\n\r\n\"text\"");
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  EXPECT_EQ(send_all(), "");
  ring.complete(Operation::kClientShutdown, 0);
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kCompleted), 1u);
}

TEST_F(VerbatimStreamTest, WaitsForTheBackendHoweverLongItTakes) {
  ASSERT_TRUE(open_verbatim());
  for (int hour = 0; hour < 24; ++hour) pass(std::chrono::hours(1));
  text("late");
  end_of_turn();
  EXPECT_EQ(send_all(), "late");
  for (int hour = 0; hour < 24; ++hour) pass(std::chrono::hours(1));
  EXPECT_EQ(send_all(), "");
  EXPECT_EQ(backend.cancelled, 0);
}

TEST_F(VerbatimStreamTest, DoesNotWaitLongerForTheClientThanOtherStreams) {
  ASSERT_TRUE(open_verbatim());
  text("text");
  end_of_turn();
  ring.complete(Operation::kClientSend, -EAGAIN);
  pass(kWithoutLifetime.write_timeout);
  EXPECT_EQ(backend.cancelled, 1);
  finish();
  EXPECT_EQ(closed(CloseCause::kWriteTimeout), 1u);
}

TEST_F(VerbatimStreamTest, TakesThePlaceThatWasTakenForIt) {
  ASSERT_TRUE(open_verbatim());
  EXPECT_EQ(table.metrics().active.get(), 1u);
  EXPECT_EQ(table.metrics().backends[place.backend].requests.get(), 1u);
  backend.sink->on_failure({.kind = FailureKind::kProgramFailed, .detail = "ended with status 1"});
  end_of_turn();
  EXPECT_EQ(send_all(), "") << "the client is not told";
  ring.complete(Operation::kClientShutdown, 0);
  client_leaves();
  finish();
  EXPECT_EQ(closed(CloseCause::kProgramFailed), 1u);
  EXPECT_EQ(table.metrics().active.get(), 0u);
}

TEST_F(VerbatimStreamTest, LeavesPlaceAndClientIfTheRingHasNoRoom) {
  ring.adopt_errno = ENFILE;
  EXPECT_EQ(open_verbatim().refusal().status, 503);
  EXPECT_EQ(table.metrics().active.get(), 1u);
  table.cancel_place(place);
  EXPECT_EQ(table.metrics().active.get(), 0u);
}

}  // namespace
}  // namespace streaming
