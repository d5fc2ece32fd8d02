// SPDX-License-Identifier: Apache-2.0
// Who gets a stream.

#include "stream/stream_fixture.h"

namespace streaming {
namespace {

using testing::StartsWith;

TEST_F(StreamTest, RefusesWhenAllPlacesAreTakenAndHasRoomToSaySo) {
  EXPECT_EQ(open(), std::nullopt);
  EXPECT_EQ(open(), std::nullopt);
  const std::optional<Refusal> refusal = open();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 503);
  EXPECT_GT(refusal->retry_after_seconds, 0);
  send_all();

  UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
  EXPECT_TRUE(table.open_refused(client, *refusal));
  end_of_turn();
  EXPECT_THAT(send_all(), StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST_F(StreamTest, RefusesAUserWhoHasEnoughAndAdmitsHimAgainWhenAStreamHasEnded) {
  const auto open_for_user = [&] {
    auto request = std::make_unique<HandoffRequest>();
    request->user_id = "u";
    UniqueFd client(::socket(AF_UNIX, SOCK_STREAM, 0));
    return table.open(client, std::move(request), backend);
  };
  EXPECT_EQ(open_for_user(), std::nullopt);
  const std::optional<Refusal> refusal = open_for_user();
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->status, 429);
  EXPECT_GT(refusal->retry_after_seconds, 0);
  client_leaves();
  finish();
  EXPECT_EQ(open_for_user(), std::nullopt);
}

}  // namespace
}  // namespace streaming
