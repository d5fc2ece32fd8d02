// SPDX-License-Identifier: Apache-2.0
#include "top/stream_list.h"

#include <gtest/gtest.h>

namespace top {
namespace {

TEST(StreamList, ListsTheOldestStreamFirst) {
  const auto rows = parse_streams(
      R"({"streams":[{"stream":"0.1.2","state":"opening","age_ms":5,"events":0,"bytes":0},)"
      R"({"stream":"1.0.0","request_id":"r","user":"u","model":"m","apache_id":"a","client":"c","path":"/p",)"
      R"("backend":"mock","transport":"tls","state":"streaming","age_ms":900,"events":7,"bytes":70}]})");
  ASSERT_TRUE(rows && rows->size() == 2);
  const StreamRow& oldest = rows->front();
  EXPECT_EQ(oldest.id, "1.0.0");
  EXPECT_EQ(oldest.request, "r");
  EXPECT_EQ(oldest.client, "c");
  EXPECT_EQ(oldest.transport, "tls");
  EXPECT_EQ(oldest.age_ms, 900);
  EXPECT_EQ(oldest.events, 7);
  EXPECT_EQ(rows->back().id, "0.1.2");
  EXPECT_EQ(rows->back().user, "");
}

TEST(StreamList, CallsAStreamByApachesIdWhereTheApplicationHasNone) {
  EXPECT_EQ(parse_streams(R"({"streams":[{"apache_id":"a"}]})")->front().request, "a");
}

TEST(StreamList, RefusesTextThatIsNoStreamList) {
  for (const char* text : {"", "{}", "[]", "{\"streams\":1}", "{\"streams\":["}) {
    EXPECT_FALSE(parse_streams(text)) << text;
  }
  EXPECT_TRUE(parse_streams("{\"streams\":[]}"));
  EXPECT_EQ(parse_streams(R"({"streams":[7,{"age_ms":"x","user":5}]})")->front().user, "");
}

}  // namespace
}  // namespace top
