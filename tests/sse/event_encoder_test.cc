// SPDX-License-Identifier: Apache-2.0
#include "sse/event_encoder.h"

#include <gmock/gmock.h>
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

TEST(JsonText, EscapesWhereverItStands) {
  for (const auto& [byte, escape] : {std::pair('"', "\\\""), std::pair('\\', "\\\\"), std::pair('\x1f', "\\u001f")}) {
    for (std::size_t at = 0; at < 40; ++at) {
      std::string text(40, '\x80');
      text[at] = byte;
      EXPECT_EQ(json_text(text), std::string(at, '\x80') + escape + std::string(39 - at, '\x80')) << at;
    }
  }
}

TEST(JsonText, LeavesCharactersUnchangedThatNeedNoEscape) {
  const std::string text = "plain / 'quoted' \x7f h\xC3\xA9 \xE2\x80\xA8 \xF0\x9F\x98\x80";
  EXPECT_EQ(json_text(text), text);
  EXPECT_EQ(json_text(""), "");
}

using Kind = AnswerEvent::Kind;

class EventEncoderTest : public testing::Test {
 protected:
  std::string take() {
    std::string text(out.view());
    out.reset();
    return text;
  }
  std::string written(const AnswerEvent& event) {
    encoder.append(out, event);
    return take();
  }

  EventEncoder encoder;
  Buffer out;
};

TEST_F(EventEncoderTest, WritesOneFrameAPieceOfTextWithItsBlankLine) {
  EXPECT_EQ(encoder.append(out, {.kind = Kind::kText, .text = "a\n\"b\""}), 1u);
  encoder.append_end(out, FinishReason::kStop, false);
  EXPECT_EQ(out.view(), "data: {\"content\":\"a\\n\\\"b\\\"\"}\n\ndata: [DONE]\n\n");
}

TEST_F(EventEncoderTest, LeavesAVerbatimAnswerAsItIs) {
  encoder = EventEncoder(Format::kVerbatim);
  EXPECT_TRUE(encoder.is_verbatim());
  EXPECT_EQ(encoder.append(out, {.kind = Kind::kText, .text = "HTTP/1.1 200 OK\r\n\r\n\"b\""}), 1u);
  encoder.append_end(out, FinishReason::kStop, true);
  EXPECT_EQ(take(), "HTTP/1.1 200 OK\r\n\r\n\"b\"");
}

TEST_F(EventEncoderTest, EndsAnAnswerThatIsNotWholeWithoutDone) {
  encoder.append_error(out, {"broken", "upstream_reported"}, true);
  EXPECT_EQ(take(), "id: error\nretry: 30000\ndata: {\"error\":\"broken\",\"code\":\"upstream_reported\"}\n\n");
}

TEST_F(EventEncoderTest, NamesInAnErrorWhenToAskAgain) {
  encoder.append_error(out, {"busy", "upstream_busy", 7}, false);
  EXPECT_EQ(take(), "id: error\nretry: 7000\n"
                    "data: {\"error\":\"busy\",\"code\":\"upstream_busy\",\"retry_after\":7}\n\n");
}

TEST_F(EventEncoderTest, WritesOnlyTextInContent) {
  for (const Kind kind : {Kind::kReasoning, Kind::kToolCall, Kind::kToolInput, Kind::kUpstream, Kind::kProgress}) {
    EXPECT_EQ(written({.kind = kind, .text = "x", .id = "i", .name = "n"}), "");
  }
}

TEST_F(EventEncoderTest, TellsEventSourceClientsOfTheEndWhereAsked) {
  encoder.append_end(out, FinishReason::kStop, true);
  EXPECT_EQ(take(), "event: done\nid: done\ndata: {}\n\ndata: [DONE]\n\n");
}

TEST_F(EventEncoderTest, WritesTheUpstreamsOwnEventsInRaw) {
  encoder = EventEncoder(Format::kRaw);
  EXPECT_EQ(written({.kind = Kind::kUpstream, .text = "{\n}", .id = "7", .name = "delta"}),
            "event: delta\nid: 7\ndata: {\ndata: }\n\n");
  EXPECT_EQ(written({.kind = Kind::kUpstream, .text = "[DONE]"}), "data: [DONE]\n\n");
  EXPECT_EQ(written({.kind = Kind::kText, .text = "the same again"}), "");
  encoder.append_end(out, FinishReason::kStop, false);
  EXPECT_EQ(take(), "") << "the end is the upstream's too";
  encoder.append_end(out, FinishReason::kStop, true);
  EXPECT_EQ(take(), "id: done\n\n") << "which EventSource alone heeds";
}

TEST_F(EventEncoderTest, WritesAnErrorInRawAsTheVendorsLibrariesReadIt) {
  encoder = EventEncoder(Format::kRaw);
  constexpr char kError[] =
      "id: error\nretry: 30000\nevent: error\n"
      "data: {\"type\":\"error\","
      "\"error\":{\"type\":\"api_error\",\"message\":\"cut\",\"code\":\"upstream_truncated\"}}\n\n";
  constexpr ClientError kCut{"cut", "upstream_truncated"};
  encoder.append_error(out, kCut, false);
  EXPECT_EQ(take(), kError) << "before the upstream's first event";
  written({.kind = Kind::kUpstream, .text = "{}"});
  encoder.append_error(out, kCut, false);
  EXPECT_EQ(take(), kError);
  encoder.append_error(out, {"told", "upstream_reported"}, true);
  EXPECT_EQ(take(), "id: error\nretry: 30000\n\n") << "the upstream has said so itself; EventSource alone heeds this";
}

TEST_F(EventEncoderTest, WritesABackendsTextInRawWhereItHasNoEventsOfItsOwn) {
  encoder = EventEncoder(Format::kRaw);
  EXPECT_EQ(written({.kind = Kind::kText, .text = "hi"}), "data: {\"content\":\"hi\"}\n\n");
  encoder.append_error(out, {"cut", "shutdown"}, false);
  EXPECT_EQ(take(), "id: error\nretry: 30000\ndata: {\"error\":\"cut\",\"code\":\"shutdown\"}\n\n");
  encoder.append_end(out, FinishReason::kStop, false);
  EXPECT_EQ(take(), "data: [DONE]\n\n");
}

TEST_F(EventEncoderTest, WritesTheDoneEventOnlyForClientsThatIgnoreIt) {
  encoder = EventEncoder(Format::kUiMessage, "m");
  encoder.append_end(out, FinishReason::kStop, true);
  const std::string end = take();
  EXPECT_EQ(end.find("event: "), std::string::npos);
  EXPECT_TRUE(end.ends_with("data: [DONE]\n\n"));
}

TEST_F(EventEncoderTest, TellsTheUiMessageOfAnErrorAlsoWhenTheUpstreamHasToldIt) {
  encoder = EventEncoder(Format::kUiMessage, "m");
  encoder.append_error(out, {"broken", "upstream_reported"}, true);
  EXPECT_THAT(take(), testing::EndsWith("data: {\"type\":\"error\",\"errorText\":\"broken\"}\n\n"));
}

TEST_F(EventEncoderTest, EndsAStoppedAnswerRegularlyAndShowsWhoEndedIt) {
  encoder.append_stopped(out, false);
  EXPECT_EQ(take(), "data: {\"stopped\":true}\n\ndata: [DONE]\n\n");
  encoder.append_stopped(out, true);
  EXPECT_EQ(take(), "data: {\"stopped\":true}\n\nevent: done\nid: done\ndata: {}\n\ndata: [DONE]\n\n");

  encoder = EventEncoder(Format::kRaw);
  written({.kind = Kind::kUpstream, .text = "{}"});
  encoder.append_stopped(out, false);
  EXPECT_EQ(take(), ": stopped\n\n");
  encoder.append_stopped(out, true);
  EXPECT_EQ(take(), ": stopped\n\nid: done\n\n");

  encoder = EventEncoder(Format::kUiMessage, "m");
  written({.kind = Kind::kText, .text = "a"});
  encoder.append_stopped(out, true);
  EXPECT_EQ(take(), "data: {\"type\":\"text-end\",\"id\":\"1\"}\n\ndata: {\"type\":\"abort\"}\n\ndata: [DONE]\n\n");
}

TEST_F(EventEncoderTest, PassesFramesOnThatAreEncodedAlready) {
  for (const Format format : {Format::kContent, Format::kRaw, Format::kUiMessage}) {
    encoder = EventEncoder::of_encoded(format);
    EXPECT_EQ(encoder.append(out, {.kind = Kind::kFrames, .index = 2, .text = "data: 1\n\ndata: 2\n\n"}), 2u);
    EXPECT_EQ(encoder.append(out, {.kind = Kind::kLastFrames, .text = "data: end\n\n"}), 0u);
    encoder.append_end(out, FinishReason::kStop, true);
    encoder.append_error(out, {"broken", "code"}, false);
    EXPECT_EQ(take(), "data: 1\n\ndata: 2\n\ndata: end\n\n");
  }
}

TEST_F(EventEncoderTest, AddsAnErrorOfItsOwnToEncodedFramesThatHaveNoEnd) {
  encoder = EventEncoder::of_encoded(Format::kUiMessage);
  encoder.append(out, {.kind = Kind::kFrames, .index = 1, .text = "data: 1\n\n"});
  encoder.append_error(out, {"too slow", "fell_behind"}, false);
  EXPECT_THAT(take(), testing::EndsWith("data: {\"type\":\"error\",\"errorText\":\"too slow\"}\n\n"));
}

TEST(Format, AddsAFormatsHeaderOnlyIfClientsExpectOne) {
  EXPECT_TRUE(format_headers(Format::kContent).empty());
  ASSERT_EQ(format_headers(Format::kUiMessage).size(), 1u);
}

TEST(Format, FindsAFormatByName) {
  EXPECT_EQ(find_format("raw"), Format::kRaw);
  EXPECT_EQ(find_format("Raw"), std::nullopt);
  EXPECT_EQ(format_names(), "content, raw, ui-message");
}

}  // namespace
}  // namespace streaming
