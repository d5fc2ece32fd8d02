// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/cut_record.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace socket_handoff {
namespace {

std::string record(std::size_t bytes) {
  return std::string("\x17\x03\x03") + static_cast<char>(bytes >> 8) + static_cast<char>(bytes) + std::string(bytes, 'x');
}

void take(CutRecord& cut, std::string_view bytes) {
  cut.take({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

std::string bytes_of(const CutRecord& cut) {
  return {cut.bytes().begin(), cut.bytes().end()};
}

TEST(CutRecord, HasWhatFollowsTheLastWholeRecordHoweverTheBytesArrive) {
  const std::string whole = record(40) + record(0) + record(300);
  const std::string sent = whole + record(20).substr(0, 17);
  for (std::size_t first = 0; first <= sent.size(); ++first) {
    for (const std::size_t second : {std::size_t{0}, std::size_t{1}, (sent.size() - first) / 2}) {
      if (first + second > sent.size()) continue;
      CutRecord cut;
      take(cut, std::string_view(sent).substr(0, first));
      take(cut, std::string_view(sent).substr(first, second));
      take(cut, std::string_view(sent).substr(first + second));
      ASSERT_EQ(bytes_of(cut), sent.substr(whole.size())) << first << " and " << second << " bytes";
      ASSERT_EQ(cut.record_bytes(), 25u);
      ASSERT_EQ(cut.taken_bytes(), sent.size());
    }
  }
}

TEST(CutRecord, HasNothingBetweenTwoRecords) {
  CutRecord cut;
  EXPECT_EQ(bytes_of(cut), "");
  EXPECT_EQ(cut.record_bytes(), 0u);
  take(cut, record(5));
  EXPECT_EQ(bytes_of(cut), "");
  EXPECT_EQ(cut.record_bytes(), 0u);
}

TEST(CutRecord, DoesNotKnowTheLengthBeforeTheHeaderIsWhole) {
  CutRecord cut;
  take(cut, record(7).substr(0, 4));
  EXPECT_EQ(cut.record_bytes(), 0u);
  take(cut, record(7).substr(4, 1));
  EXPECT_EQ(cut.record_bytes(), 12u);
}

TEST(CutRecord, IsIncompleteWhileALongRecordIsCut) {
  CutRecord cut;
  const std::string sent = record(16'640);
  take(cut, sent.substr(0, handoff_protocol::kMaxUnusedBytes));
  EXPECT_TRUE(cut.is_complete());
  take(cut, sent.substr(handoff_protocol::kMaxUnusedBytes, 1));
  EXPECT_FALSE(cut.is_complete());
  take(cut, sent.substr(handoff_protocol::kMaxUnusedBytes + 1));
  EXPECT_TRUE(cut.is_complete());
  EXPECT_EQ(bytes_of(cut), "");
}

}  // namespace
}  // namespace socket_handoff
