// SPDX-License-Identifier: Apache-2.0
// Which hand-offs get a stream.

#include <cerrno>
#include <cstdint>
#include <memory>

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
  users.set_limits(1, 1);
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
