// SPDX-License-Identifier: Apache-2.0
#include "answers/stored_text.h"

#include <gtest/gtest.h>

#include <string>

#include "base/buffer.h"

namespace streaming {
namespace {

// What the encoder writes of it, read again.
class StoredText : public testing::TestWithParam<Format> {
 protected:
  void read_encoded() {
    EventEncoder encoder(GetParam(), "m");
    Buffer frames;
    encoder.append(frames, {.kind = AnswerEvent::Kind::kReasoning, .text = "I think"});
    encoder.append(frames, {.kind = AnswerEvent::Kind::kText, .text = "Hello \"wor"});
    encoder.append(frames, {.kind = AnswerEvent::Kind::kText, .text = "ld\"\n\xc3\xa9"});
    read_stored_text(frames.view(), GetParam(), record);
  }

  ByteBudget budget{1024 * 1024};
  AnswerRecord record{budget};
};

INSTANTIATE_TEST_SUITE_P(Formats, StoredText, testing::Values(Format::kContent, Format::kRaw, Format::kUiMessage));

TEST_P(StoredText, IsReadAsItWasWritten) {
  read_encoded();
  EXPECT_EQ(record.text(), "Hello \"world\"\n\xc3\xa9");
  EXPECT_EQ(record.reasoning(), GetParam() == Format::kUiMessage ? "I think" : "");
}

TEST(StoredFrames, ThatAreNoAnswersArePassedOver) {
  ByteBudget budget{1024 * 1024};
  AnswerRecord record{budget};
  const char* const frames =
      ": comment\n\ndata: [1]\n\ndata: {\"content\":1}\n\nid: 1\ndata: not JSON\n\ndata: {\"content\":\"a\",\"more\":1}\n\n"
      "data: {\"stopped\":true}\n\ndata: {\"content\":\"b\"}\n\ndata: {\"content\":\"is cut";
  read_stored_text(frames, Format::kContent, record);
  EXPECT_EQ(record.text(), "b");
}

}  // namespace
}  // namespace streaming
