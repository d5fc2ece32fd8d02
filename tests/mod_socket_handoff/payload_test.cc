#include "mod_socket_handoff/payload.h"

#include <gtest/gtest.h>

namespace socket_handoff {
namespace {

TEST(Payload, OnlyAJsonObjectOnOneLineOrNothingIsFitForAStreamSocket) {
  EXPECT_TRUE(Payload{}.is_fit_for_stream_socket());
  EXPECT_TRUE(
      (Payload{.front = "{", .rest = "\"prompt\":\"x\\n\"}", .is_json_object = true}.is_fit_for_stream_socket()));
  EXPECT_FALSE((Payload{.front = {}, .rest = "FLUSHALL", .is_json_object = false}.is_fit_for_stream_socket()));
  // Redis would take the second line for a command.
  EXPECT_FALSE(
      (Payload{.front = "{", .rest = "\n\"FLUSHALL\"\n:1}", .is_json_object = true}.is_fit_for_stream_socket()));
}

}  // namespace
}  // namespace socket_handoff
