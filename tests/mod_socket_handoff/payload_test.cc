#include "mod_socket_handoff/payload.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

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

// The payload with the member in it, or as it was.
std::string spliced(const std::string& payload, const ApacheFacts& facts = {}) {
  const auto rest = rest_of_object(payload);
  if (!rest) return payload;
  JsonText size;
  write_front(size, facts, *rest);
  std::string front(size.size(), ' ');
  JsonText text(front.data(), front.size());
  write_front(text, facts, *rest);
  EXPECT_EQ(text.size(), size.size());
  return front + std::string(*rest);
}

std::string as_json_string(std::string_view text) {
  char memory[256];
  JsonText json(memory, sizeof memory);
  json.write_string(text);
  return std::string(json.text());
}

TEST(ApacheMember, ComesFirst) {
  EXPECT_EQ(spliced(R"({"prompt":"hi"})"), R"({"apache":{"headers":[]},"prompt":"hi"})");
  EXPECT_EQ(spliced(" \n{ \"prompt\" : 1 } "), "{\"apache\":{\"headers\":[]}, \"prompt\" : 1 } ");
}

TEST(ApacheMember, IsTheOnlyOneOfAnEmptyObject) {
  EXPECT_EQ(spliced("{}"), R"({"apache":{"headers":[]}})");
  EXPECT_EQ(spliced("{ }"), R"({"apache":{"headers":[]} })");
}

TEST(ApacheMember, OtherPayloadsPassUntouched) {
  for (const char* payload : {"", "text", "[1]", "{broken", "{\"a\":1}x", "{name}", "\"{}\""}) {
    EXPECT_EQ(spliced(payload), payload);
  }
}

TEST(ApacheMember, SaysWhatApacheKnows) {
  const std::vector<HeaderField> headers = {{"Set-Cookie", "a=\"1\""}, {"Set-Cookie", "b"}};
  const ApacheFacts facts = {.headers = headers,
                             .request_id = "id",
                             .client = "::1",
                             .method = "POST",
                             .uri = "/chat",
                             .protocol = "HTTP/1.1"};
  EXPECT_EQ(spliced("{}", facts),
            R"({"apache":{"headers":[["Set-Cookie","a=\"1\""],["Set-Cookie","b"]],)"
            R"("request_id":"id","client":"::1","method":"POST","uri":"/chat","protocol":"HTTP/1.1"}})");
}

TEST(JsonText, EscapesWhatJsonRequires) {
  EXPECT_EQ(as_json_string("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(as_json_string(std::string_view("\0\r\n\x1f\x7f", 5)), R"("\u0000\u000d\u000a\u001f\u007f")");
}

TEST(JsonText, KeepsUtf8) {
  const char* text = "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
  EXPECT_EQ(as_json_string(text), '"' + std::string(text) + '"');
}

TEST(JsonText, TakesOtherBytesForLatin1) {
  EXPECT_EQ(as_json_string("caf\xe9"), R"("caf\u00e9")");
  EXPECT_EQ(as_json_string("\xc0\xaf"), R"("\u00c0\u00af")");            // overlong
  EXPECT_EQ(as_json_string("\xed\xa0\x80"), R"("\u00ed\u00a0\u0080")");  // a surrogate
  EXPECT_EQ(as_json_string("\xf4\x90\x80\x80"), R"("\u00f4\u0090\u0080\u0080")");
  EXPECT_EQ(as_json_string("\xe2\x82"), R"("\u00e2\u0082")");  // cut
}

}  // namespace
}  // namespace socket_handoff
