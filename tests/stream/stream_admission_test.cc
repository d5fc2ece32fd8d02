// SPDX-License-Identifier: Apache-2.0
// Which hand-offs get a stream.

#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>

#include "stream/stream_fixture.h"

namespace streaming {
namespace {

using testing::StartsWith;

TEST_F(StreamTest, RefusesWhenAllPlacesAreTakenAndHasRoomToSaySo) {
  open();
  open();
  const Admission admission = try_to_open();
  ASSERT_FALSE(admission);
  EXPECT_EQ(admission.refusal().status, 503);
  EXPECT_GT(admission.refusal().retry_after_seconds, 0);
  send_all();

  Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
  EXPECT_TRUE(table.open_refused(client, admission.refusal()));
  end_of_turn();
  EXPECT_THAT(send_all(), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST_F(StreamTest, RefusesAUserWhoHasEnoughAndAdmitsHimAgainWhenAStreamHasEnded) {
  const auto open_for_user = [&] {
    auto request = std::make_unique<HandoffRequest>();
    request->user_id = "u";
    Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
    return table.open(client, std::move(request), backend);
  };
  EXPECT_TRUE(open_for_user());
  const Admission admission = open_for_user();
  ASSERT_FALSE(admission);
  EXPECT_EQ(admission.refusal().status, 429);
  EXPECT_GT(admission.refusal().retry_after_seconds, 0);
  client_leaves();
  finish();
  EXPECT_TRUE(open_for_user());
}

// Apache must know that it has no client any more before the client hears of the daemon.
class HeldStreamTest : public StreamTest {
 protected:
  Handle open_held() {
    Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
    const Admission admission = table.open(client, std::make_unique<HandoffRequest>(), backend);
    table.hold(admission.stream().value());
    end_of_turn();
    return *admission.stream();
  }
};

TEST_F(HeldStreamTest, SendsNothingBeforeItIsStarted) {
  const Handle stream = open_held();
  text("early");
  end_of_turn();
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  table.start(stream);
  end_of_turn();
  const std::string sent = send_all();
  EXPECT_THAT(sent, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(sent, testing::HasSubstr("early"));
}

TEST_F(HeldStreamTest, SendsItsEndToo) {
  const Handle stream = open_held();
  text("all");
  backend.sink->on_end(FinishReason::kStop);
  end_of_turn();
  EXPECT_EQ(ring.count(Operation::kClientSend) + ring.count(Operation::kClientShutdown), 0);
  table.start(stream);
  end_of_turn();
  EXPECT_THAT(send_all(), testing::EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(ring.count(Operation::kClientShutdown), 1);
}

TEST_F(HeldStreamTest, EndsWithoutAByteIfItIsGivenBack) {
  const Handle stream = open_held();
  text("never");
  table.give_back(stream);
  end_of_turn();
  EXPECT_EQ(ring.count(Operation::kClientSend), 0);
  EXPECT_EQ(backend.cancelled, 1);
  finish();
  EXPECT_TRUE(table.empty());
  table.start(stream);  // it has ended
}

TEST_F(HeldStreamTest, IsStartedWhileItClosesInTheSameTurn) {
  const Handle stream = open_held();
  table.give_back(stream);
  ring.complete_cancelled();
  table.start(stream);
  ring.complete(Operation::kClientClose, 0);
  end_of_turn();
  EXPECT_TRUE(table.empty());
}

TEST_F(HeldStreamTest, PausesItsBackendWhenTooMuchIsHeld) {
  open_held();
  text(std::string(kSettings.max_queued_bytes + 1, 'x'));
  EXPECT_EQ(backend.paused, 1);
}

class ReservedStreamTest : public StreamTest {
 protected:
  // Null if it is refused.
  std::unique_ptr<Reservation> reserve() {
    auto request = std::make_unique<HandoffRequest>();
    request->user_id = "u";
    std::unique_ptr<Reservation> reservation;
    const Admission admission = table.reserve(std::move(request), backend, reservation);
    EXPECT_EQ(static_cast<bool>(admission), reservation != nullptr);
    return reservation;
  }
  std::uint64_t places() const { return table.metrics().active.get(); }

  UserLimits::Entry user() { return users.enter("u", timers.clock()); }
};

TEST_F(ReservedStreamTest, TakesAPlaceFromOthersAndCountsAsItsUsersBeforeThereIsAClient) {
  const std::unique_ptr<Reservation> reservation = reserve();
  ASSERT_TRUE(reservation);
  EXPECT_FALSE(reservation->is_relay_only());
  EXPECT_TRUE(backend.in_use()) << "a reload must not destroy it";
  EXPECT_EQ(places(), 1u);
  EXPECT_FALSE(reserve()) << "the user may have one stream";
  open();
  EXPECT_FALSE(try_to_open());
}

TEST_F(ReservedStreamTest, BecomesTheClientsStream) {
  const std::unique_ptr<Reservation> reservation = reserve();
  Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
  EXPECT_TRUE(reservation->take(client));
  EXPECT_FALSE(client.socket);
  EXPECT_EQ(places(), 1u);
  EXPECT_EQ(table.metrics().backends[backend.index()].requests.get(), 1u);
  end_of_turn();
  EXPECT_THAT(send_all(), StartsWith("HTTP/1.1 200 OK\r\n"));
  client_leaves();
  finish();
  EXPECT_EQ(places(), 0u);
  EXPECT_TRUE(user().user);
}

TEST_F(ReservedStreamTest, GivesEverythingBackIfNoClientComes) {
  limits.set_limits(1, 1);
  reserve().reset();
  EXPECT_EQ(places(), 0u);
  EXPECT_FALSE(backend.in_use());
  EXPECT_EQ(table.metrics().backends[backend.index()].requests.get(), 0u);
  EXPECT_TRUE(user().user) << "neither a stream nor a start was used";
}

TEST_F(ReservedStreamTest, GivesEverythingBackIfTheRingHasNoRoomForTheClient) {
  std::unique_ptr<Reservation> reservation = reserve();
  Client client{UniqueFd(::socket(AF_UNIX, SOCK_STREAM, 0))};
  ring.adopt_errno = ENOMEM;
  const Admission admission = reservation->take(client);
  ASSERT_FALSE(admission);
  EXPECT_EQ(admission.refusal().status, 503);
  EXPECT_TRUE(client.socket) << "the caller answers it";
  reservation.reset();
  EXPECT_EQ(places(), 0u);
  EXPECT_FALSE(backend.in_use());
  EXPECT_TRUE(user().user);
}

}  // namespace
}  // namespace streaming
