// SPDX-License-Identifier: Apache-2.0
#include "sse/ui_message.h"

#include <gtest/gtest.h>

#include <string>

#include "sse/limits.h"

namespace streaming {
namespace {

using Kind = AnswerEvent::Kind;

// The written frames, one on each line, without "data: ".
class UiMessageTest : public testing::Test {
 protected:
  std::string take() {
    std::string frames(out.view());
    out.reset();
    for (const auto& [from, to] : {std::pair("\n\n", "\n"), std::pair("data: ", "")}) {
      for (std::size_t at = 0; (at = frames.find(from, at)) != std::string::npos;) {
        frames.replace(at, std::string_view(from).size(), to);
      }
    }
    return frames;
  }
  std::string written(const AnswerEvent& event) {
    const std::uint32_t frames = message.append(out, event);
    std::string text = take();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), frames);
    return text;
  }
  std::string end(FinishReason reason = FinishReason::kStop) {
    message.append_end(out, reason);
    return take();
  }
  void call(std::string_view id, std::uint32_t index = 0) {
    written({.kind = Kind::kToolCall, .index = index, .id = id, .name = "f"});
  }
  void input(std::string_view text, std::uint32_t index = 0) {
    written({.kind = Kind::kToolInput, .index = index, .text = text});
  }

  static constexpr char kGoodEnd[] =
      "{\"type\":\"finish-step\"}\n{\"type\":\"finish\",\"finishReason\":\"stop\"}\n[DONE]\n";

  UiMessage message{"m\"1"};
  Buffer out;
};

TEST_F(UiMessageTest, BeginsAndEndsMessageStepAndText) {
  EXPECT_EQ(written({.kind = Kind::kText, .text = "a\n"}),
            "{\"type\":\"start\",\"messageId\":\"m\\\"1\"}\n{\"type\":\"start-step\"}\n"
            "{\"type\":\"text-start\",\"id\":\"1\"}\n{\"type\":\"text-delta\",\"id\":\"1\",\"delta\":\"a\\n\"}\n");
  EXPECT_EQ(written({.kind = Kind::kText, .text = "b"}), "{\"type\":\"text-delta\",\"id\":\"1\",\"delta\":\"b\"}\n");
  EXPECT_EQ(end(), std::string("{\"type\":\"text-end\",\"id\":\"1\"}\n") + kGoodEnd);
}

TEST_F(UiMessageTest, TellsReasoningFromText) {
  written({.kind = Kind::kReasoning, .text = "hm"});
  EXPECT_EQ(written({.kind = Kind::kText, .text = "ah"}),
            "{\"type\":\"reasoning-end\",\"id\":\"1\"}\n{\"type\":\"text-start\",\"id\":\"2\"}\n"
            "{\"type\":\"text-delta\",\"id\":\"2\",\"delta\":\"ah\"}\n");
}

TEST_F(UiMessageTest, TellsAToolsInputInPiecesAndThenAsAWhole) {
  written({.kind = Kind::kText, .text = "I look."});
  EXPECT_EQ(written({.kind = Kind::kToolCall, .id = "c1", .name = "weather"}),
            "{\"type\":\"text-end\",\"id\":\"1\"}\n"
            "{\"type\":\"tool-input-start\",\"toolCallId\":\"c1\",\"toolName\":\"weather\"}\n");
  EXPECT_EQ(written({.kind = Kind::kToolInput, .text = "{\"city\":"}),
            "{\"type\":\"tool-input-delta\",\"toolCallId\":\"c1\",\"inputTextDelta\":\"{\\\"city\\\":\"}\n");
  input("\n\"Bonn\"}");
  EXPECT_EQ(end(FinishReason::kToolCalls),
            "{\"type\":\"tool-input-available\",\"toolCallId\":\"c1\",\"toolName\":\"weather\",\"input\":{\"city\": "
            "\"Bonn\"}}\n{\"type\":\"finish-step\"}\n{\"type\":\"finish\",\"finishReason\":\"tool-calls\"}\n[DONE]\n");
}

TEST_F(UiMessageTest, KeepsInterleavedCallsApart) {
  call("a", 0);
  call("b", 1);
  input("[0", 0);
  input("[1", 1);
  input("]", 0);
  input("]", 1);
  const std::string text = end();
  EXPECT_NE(text.find("\"toolCallId\":\"a\",\"toolName\":\"f\",\"input\":[0]}"), std::string::npos);
  EXPECT_NE(text.find("\"toolCallId\":\"b\",\"toolName\":\"f\",\"input\":[1]}"), std::string::npos);
}

TEST_F(UiMessageTest, SaysThatAnInputIsNotJson) {
  call("c");
  input("{\"cut\":");
  EXPECT_EQ(end(), std::string("{\"type\":\"tool-input-error\",\"toolCallId\":\"c\",\"toolName\":\"f\",\"input\":"
                               "\"{\\\"cut\\\":\",\"errorText\":\"The tool's input is not valid JSON.\"}\n") +
                       kGoodEnd);
}

TEST_F(UiMessageTest, TakesNoInputForAnEmptyOne) {
  call("c");
  EXPECT_NE(end().find("\"toolCallId\":\"c\",\"toolName\":\"f\",\"input\":{}}"), std::string::npos);
}

TEST_F(UiMessageTest, BeginsACallOnceBothItsIdAndItsToolAreKnown) {
  EXPECT_EQ(written({.kind = Kind::kToolCall, .id = "c"}), "");
  EXPECT_EQ(written({.kind = Kind::kToolInput, .text = "[1"}), "");
  written({.kind = Kind::kText, .text = "meanwhile"});
  EXPECT_EQ(written({.kind = Kind::kToolCall, .name = "f"}),
            "{\"type\":\"text-end\",\"id\":\"1\"}\n"
            "{\"type\":\"tool-input-start\",\"toolCallId\":\"c\",\"toolName\":\"f\"}\n"
            "{\"type\":\"tool-input-delta\",\"toolCallId\":\"c\",\"inputTextDelta\":\"[1\"}\n");
  input("]");
  EXPECT_NE(end().find("\"input\":[1]}"), std::string::npos);
}

TEST_F(UiMessageTest, MakesUpAnIdThatNoOtherCallHas) {
  call("call_1", 0);
  call("call_1", 1);
  call("", 2);
  const std::string text = end();
  for (const char* id : {"\"call_1\"", "\"call_2\"", "\"call_3\""}) {
    EXPECT_NE(text.find(std::string("available\",\"toolCallId\":") + id), std::string::npos) << id;
  }
}

TEST_F(UiMessageTest, LeavesOutACallWithoutAName) {
  written({.kind = Kind::kToolCall, .id = "c"});
  input("{}");
  EXPECT_EQ(end(),
            std::string("{\"type\":\"start\",\"messageId\":\"m\\\"1\"}\n{\"type\":\"start-step\"}\n") + kGoodEnd);
}

TEST_F(UiMessageTest, TakesTheLastWholeInputWhereNoPieceComes) {
  call("a", 0);
  call("b", 1);
  for (const char* whole : {"[1]", "[1,2]"}) {
    EXPECT_EQ(written({.kind = Kind::kWholeToolInput, .index = 0, .text = whole}), "");
    written({.kind = Kind::kWholeToolInput, .index = 1, .text = whole});
  }
  input("[0]", 1);
  written({.kind = Kind::kWholeToolInput, .index = 1, .text = "[3]"});
  const std::string text = end();
  EXPECT_NE(text.find("\"toolCallId\":\"a\",\"toolName\":\"f\",\"input\":[1,2]}"), std::string::npos);
  EXPECT_NE(text.find("\"toolCallId\":\"b\",\"toolName\":\"f\",\"input\":[0]}"), std::string::npos);
}

TEST_F(UiMessageTest, BeginsAPartForEachBlock) {
  written({.kind = Kind::kText, .index = 4, .text = "a"});
  EXPECT_EQ(written({.kind = Kind::kText, .index = 4, .text = "b"}),
            "{\"type\":\"text-delta\",\"id\":\"1\",\"delta\":\"b\"}\n");
  EXPECT_EQ(written({.kind = Kind::kText, .index = 5, .text = "c"}),
            "{\"type\":\"text-end\",\"id\":\"1\"}\n{\"type\":\"text-start\",\"id\":\"2\"}\n"
            "{\"type\":\"text-delta\",\"id\":\"2\",\"delta\":\"c\"}\n");
}

TEST_F(UiMessageTest, WritesNothingForTheUpstreamsOwnEventsNorForProgress) {
  EXPECT_EQ(written({.kind = Kind::kUpstream, .text = "{}"}), "");
  EXPECT_EQ(written({.kind = Kind::kProgress}), "");
}

TEST_F(UiMessageTest, WritesAMessageEvenIfTheAnswerIsEmpty) {
  EXPECT_EQ(end(),
            std::string("{\"type\":\"start\",\"messageId\":\"m\\\"1\"}\n{\"type\":\"start-step\"}\n") + kGoodEnd);
}

TEST_F(UiMessageTest, EndsABrokenAnswerWithAnErrorAlone) {
  UiMessage::append_error(out, {"It \"broke\".", "upstream_busy", 7});
  EXPECT_EQ(take(),
            "{\"type\":\"data-error\",\"data\":{\"code\":\"upstream_busy\",\"retry_after\":7},\"transient\":true}\n"
            "{\"type\":\"error\",\"errorText\":\"It \\\"broke\\\".\"}\n");
}

TEST_F(UiMessageTest, KeepsNoMoreInputThanTheLimit) {
  call("c");
  input(std::string(kMaxToolInputBytes - 2, ' '));
  EXPECT_FALSE(message.too_large());
  EXPECT_EQ(written({.kind = Kind::kToolInput, .text = " "}), "");
  EXPECT_TRUE(message.too_large());
  EXPECT_EQ(written({.kind = Kind::kText, .text = "more"}), "");
}

TEST_F(UiMessageTest, CountsWholeInputsOnceEach) {
  call("c");
  const std::string half(kMaxToolInputBytes / 2 + 1, ' ');
  for (int i = 0; i < 3; ++i) written({.kind = Kind::kWholeToolInput, .text = half});
  EXPECT_FALSE(message.too_large());
  written({.kind = Kind::kWholeToolInput, .index = 1, .text = half});
  EXPECT_TRUE(message.too_large());
}

TEST_F(UiMessageTest, KeepsNoMoreCallsThanTheLimit) {
  for (std::uint32_t index = 0; index < kMaxToolCalls; ++index) call("c" + std::to_string(index), index);
  EXPECT_FALSE(message.too_large());
  call("one more", kMaxToolCalls);
  EXPECT_TRUE(message.too_large());
}

}  // namespace
}  // namespace streaming
