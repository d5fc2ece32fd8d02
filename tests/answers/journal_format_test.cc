// SPDX-License-Identifier: Apache-2.0
#include "answers/journal_format.h"

#include <gtest/gtest.h>

#include <vector>

#include "answers/journal_ledger.h"
#include "answers/limits.h"

namespace streaming {
namespace {

constexpr ReportId kOne{'o', 'n', 'e'};
constexpr ReportId kTwo{'t', 'w', 'o'};

std::vector<Frame> frames_of(std::string_view bytes) {
  std::vector<Frame> frames;
  FrameReader reader(bytes);
  while (const std::optional<Frame> frame = reader.next()) frames.push_back(*frame);
  return frames;
}

std::vector<LeftReport> left_of(std::string_view bytes) {
  JournalLedger ledger;
  for (const Frame& frame : frames_of(bytes)) ledger.add(frame);
  return ledger.take();
}

TEST(JournalFormat, ReadsWhatItHasWritten) {
  std::string bytes;
  append_begin(bytes, kOne, {"chat", "{\"a\":1"});
  append_text(bytes, kOne, {true, 7, "thought"});
  append_report(bytes, kTwo, {3, WallTime(Duration(-5)), "log", "{\"b\":2}"});
  append_client_end(bytes, kTwo, true);
  append_done(bytes, kOne);
  const std::vector<Frame> frames = frames_of(bytes);
  ASSERT_EQ(frames.size(), 5u);
  const auto begin = read_begin(frames[0].content);
  ASSERT_TRUE(begin);
  EXPECT_EQ(begin->hook, "chat");
  EXPECT_EQ(begin->beginning, "{\"a\":1");
  const auto text = read_text(frames[1].content);
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->reasoning);
  EXPECT_EQ(text->offset, 7u);
  EXPECT_EQ(text->text, "thought");
  const auto report = read_report(frames[2].content);
  ASSERT_TRUE(report);
  EXPECT_EQ(frames[2].id, kTwo);
  EXPECT_EQ(report->failures, 3);
  EXPECT_EQ(report->due, WallTime(Duration(-5)));
  EXPECT_EQ(report->hook, "log");
  EXPECT_EQ(report->body, "{\"b\":2}");
  EXPECT_EQ(read_client_end(frames[3].content), true);
  EXPECT_EQ(frames[4].type, FrameType::kDone);
}

TEST(JournalFormat, HasNoReportThatIsLargerThanAnyThatIsWritten) {
  std::string bytes;
  append_begin(bytes, kOne, {"chat", "{\"a\":\"" + std::string(kMaxReportBeginningBytes, 'x')});
  append_report(bytes, kTwo, {0, WallTime(), "chat", "{\"a\":\"" + std::string(kMaxReportBytes, 'x') + "\"}"});
  EXPECT_TRUE(left_of(bytes).empty());
}

TEST(JournalFormat, EndsAtAFrameThatIsNotWhole) {
  std::string bytes;
  append_done(bytes, kOne);
  const std::size_t whole = bytes.size();
  append_report(bytes, kTwo, {0, {}, "chat", "{}"});
  for (std::size_t size = whole; size < bytes.size(); ++size) {
    EXPECT_EQ(frames_of(std::string_view(bytes).substr(0, size)).size(), 1u) << size;
  }
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string changed = bytes;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_LT(frames_of(changed).size(), 2u) << at;
  }
}

TEST(JournalFormat, HasANameForAReportThatItReads) {
  const ReportId id = new_report_id();
  EXPECT_EQ(webhook_id(kOne), "msg_6f6e6500000000000000000000000000");
  EXPECT_EQ(parse_webhook_id(webhook_id(id)), id);
  for (const char* text : {"", "msg_", "msg_6f6e650000000000000000000000000", "msg_6F6e6500000000000000000000000000"}) {
    EXPECT_FALSE(parse_webhook_id(text)) << text;
  }
}

TEST(JournalLedger, HasTheLastStateOfAReportThatWaits) {
  std::string bytes;
  append_report(bytes, kOne, {1, WallTime(Duration(20)), "chat", "{\"client_has_end\":false,\"b\":1}"});
  append_report(bytes, kOne, {0, WallTime(Duration(10)), "chat", "{\"b\":1}"});
  append_client_end(bytes, kOne, false);
  const std::vector<LeftReport> left = left_of(bytes);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].failures, 1);
  EXPECT_EQ(left[0].due, WallTime(Duration(20)));
  EXPECT_EQ(left[0].body, "{\"client_has_end\":false,\"b\":1}");
  EXPECT_FALSE(left[0].was_running);
}

TEST(JournalLedger, LeavesOutWhatIsDoneInWhateverOrderTheFilesAreRead) {
  std::string bytes;
  append_done(bytes, kOne);
  append_begin(bytes, kOne, {"chat", "{\"a\":1"});
  append_report(bytes, kOne, {0, {}, "chat", "{}"});
  append_report(bytes, kTwo, {0, {}, "chat", "{}"});
  append_done(bytes, kTwo);
  EXPECT_TRUE(left_of(bytes).empty());
}

TEST(JournalLedger, MakesAReportOfAnAnswerThatRan) {
  std::string bytes;
  append_begin(bytes, kOne, {"chat", "{\"a\":1"});
  append_text(bytes, kOne, {false, 0, "Hel"});
  append_text(bytes, kOne, {true, 0, "Hm"});
  append_text(bytes, kOne, {false, 3, "lo"});
  append_text(bytes, kTwo, {false, 0, "without a beginning"});
  std::vector<LeftReport> left = left_of(bytes);
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left[0].id, kOne);
  EXPECT_EQ(left[0].hook, "chat");
  EXPECT_EQ(left[0].body, R"({"a":1,"text":"Hello","reasoning":"Hm","cause":"cut","cut_at_limit":false})");
  EXPECT_TRUE(left[0].was_running);

  append_text(bytes, kOne, {false, 9, "behind a gap"});
  left = left_of(bytes);
  EXPECT_EQ(left[0].body, R"({"a":1,"text":"Hello","reasoning":"Hm","cause":"cut","cut_at_limit":true})");
}

}  // namespace
}  // namespace streaming
