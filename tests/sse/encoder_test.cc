#include "sse/encoder.h"

#include <gtest/gtest.h>

#include <string>

#include "sse/json_text.h"

namespace streaming {
namespace {

std::string json_text(std::string_view text) {
  Buffer out;
  append_json_text(out, text);
  return std::string(out.view());
}

TEST(JsonText, EscapesWhatAStringMustNotContain) {
  EXPECT_EQ(json_text(R"(say "hi" \ bye)"), R"(say \"hi\" \\ bye)");
  EXPECT_EQ(json_text("\b\f\n\r\t"), R"(\b\f\n\r\t)");
  EXPECT_EQ(json_text(std::string_view("\0\x01\x1f", 3)), R"(\u0000\u0001\u001f)");
}

TEST(JsonText, LeavesEverythingElseAsItIs) {
  const std::string text = "plain / 'quoted' \x7f h\xC3\xA9 \xE2\x80\xA8 \xF0\x9F\x98\x80";
  EXPECT_EQ(json_text(text), text);
  EXPECT_EQ(json_text(""), "");
}

TEST(Encoder, WritesOneFrameAnEventWithItsBlankLine) {
  Buffer out;
  append_content_event(out, "a\n\"b\"");
  append_error_event(out, "broken");
  append_done_event(out);
  EXPECT_EQ(out.view(),
            "data: {\"content\":\"a\\n\\\"b\\\"\"}\n\n"
            "data: {\"error\":\"broken\"}\n\n"
            "data: [DONE]\n\n");
}

}  // namespace
}  // namespace streaming
