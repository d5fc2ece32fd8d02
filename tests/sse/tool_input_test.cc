// SPDX-License-Identifier: Apache-2.0
#include "sse/tool_input.h"

#include <gtest/gtest.h>

#include <string>

#include "base/json_input.h"

namespace streaming {
namespace {

TEST(ToolInput, AcceptsAnyJsonAsToolInput) {
  for (const char* json : {"{}", "[1, 2.5e3, \"a\"]", " {\"a\": {\"b\": null}}\n", "\"text\"", "true",
                           R"({"a":"\ud83d\ude00 \u00e9"})", "{\"a\":\"\xC3\xA9\"}"}) {
    EXPECT_TRUE(is_tool_input(json)) << json;
  }
}

TEST(ToolInput, RefusesToolInputThatIsNotJson) {
  for (const std::string json :
       {"", " ", "{", "{\"a\":1", "{}{}", "{a:1}", "{\"a\":\"\n\"}", "NaN", "1e999", "{\"a\":\"\xC3\"}"}) {
    EXPECT_FALSE(is_tool_input(json)) << json;
  }
  EXPECT_FALSE(is_tool_input(std::string_view("{}\0", 3)));
  EXPECT_FALSE(is_tool_input(std::string_view("{}\0{", 4)));
}

TEST(ToolInput, RefusesToolInputNestedBeyondTheLimit) {
  EXPECT_TRUE(is_tool_input(std::string(kMaxJsonDepth, '[') + std::string(kMaxJsonDepth, ']')));
  EXPECT_FALSE(is_tool_input(std::string(kMaxJsonDepth + 1, '[') + std::string(kMaxJsonDepth + 1, ']')));
}

TEST(ToolInput, RefusesToolInputWithMembersThatJavaScriptsLibrariesRefuse) {
  EXPECT_FALSE(is_tool_input(R"({"a":[{"__proto__":1}]})"));
  EXPECT_FALSE(is_tool_input(R"({"\u005f_proto__":1})"));
  EXPECT_FALSE(is_tool_input(R"({"a":{"constructor":{"b":{},"prototype":1}}})"));
  EXPECT_TRUE(is_tool_input(R"({"constructor":1,"prototype":{"prototype":1}})"));
  EXPECT_TRUE(is_tool_input(R"({"constructor":[{"prototype":1}],"b":"__proto__"})"));
  EXPECT_TRUE(is_tool_input(R"({"constructor":{"b":{"prototype":1}}})"));
}

TEST(ToolInput, WritesToolInputOnOneLine) {
  Buffer out;
  append_tool_input(out, "{\r\n \"a\":\n1\n}");
  EXPECT_EQ(out.view(), "{   \"a\": 1 }");
}

}  // namespace
}  // namespace streaming
