// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/json.h"

#include <gtest/gtest.h>

#include <string>

namespace socket_handoff {
namespace {

TEST(JsonScanner, KnowsAnObject) {
  for (const char* text :
       {"{}", " { } ", R"({"a":1})", R"({"a":[1,-0.5e+3,"\u00e9\n\"",true,false,null,{}],"b":{"c":[]}})",
        "{\"a\":\"\xe9 in Latin-1\"}"}) {
    EXPECT_TRUE(is_json_object(text)) << text;
  }
}

TEST(JsonScanner, KnowsWhatIsNone) {
  for (const char* text : {"",
                           "[]",
                           "1",
                           "\"{}\"",
                           "{",
                           "}",
                           "{}x",
                           "{} {}",
                           "{a:1}",
                           "{'a':1}",
                           R"({"a"})",
                           R"({"a":})",
                           R"({"a":1,})",
                           R"({,"a":1})",
                           R"({"a":01})",
                           R"({"a":1.})",
                           R"({"a":.5})",
                           R"({"a":+1})",
                           R"({"a":"\x"})",
                           R"({"a":"\u12g4"})",
                           R"({"a":"b)",
                           R"({"a":"\)",
                           R"({"a":"\u12)",
                           "{\"a\":\"\n\"}",
                           R"({"a":tru})",
                           R"({"a":[1 2]})",
                           R"({"a":[1,]})",
                           R"({"a":-})",
                           R"({"a":1e})"}) {
    EXPECT_FALSE(is_json_object(text)) << text;
  }
}

TEST(JsonScanner, GoesSoDeepAndNoDeeper) {
  const auto nested = [](std::size_t depth) {
    return R"({"a":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  EXPECT_TRUE(is_json_object(nested(JsonScanner::kMaxDepth - 1)));
  EXPECT_FALSE(is_json_object(nested(JsonScanner::kMaxDepth)));
  EXPECT_FALSE(is_json_object(R"({"a":)" + std::string(JsonScanner::kMaxDepth - 1, '[') + "{}" +
                              std::string(JsonScanner::kMaxDepth - 1, ']') + "}"));
  EXPECT_FALSE(is_json_object(nested(1'000'000)));
}

}  // namespace
}  // namespace socket_handoff
