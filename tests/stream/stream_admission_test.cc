// SPDX-License-Identifier: Apache-2.0
// Which hand-offs get a stream.

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

}  // namespace
}  // namespace streaming
