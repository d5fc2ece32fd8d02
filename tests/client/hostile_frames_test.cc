// SPDX-License-Identifier: Apache-2.0
// What a client sends that breaks HTTP/2, or costs without end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "client/http2_answer.h"
#include "support/hostile_frames.h"

namespace streaming {
namespace {

using namespace hostile;
using End = ClientConnection::End;
using Received = ClientConnection::Received;

const std::string kShortHead = "HTTP/1.1 200 OK\r\n\r\n";

std::string written(Http2Answer& answer, std::string_view text = {}, End end = End::kNotYet) {
  Buffer frames;
  answer.write(text, end, frames);
  return std::string(frames.view());
}

// The code that GOAWAY reports, which is the last frame; nothing if the answer goes on.
std::string_view complaint(const std::string& bytes) {
  Http2Answer answer(kState);
  written(answer, kShortHead);
  answer.receive(bytes);
  if (answer.received() != Received::kMalformed) return {};
  const std::string frames = written(answer, "dropped");
  const std::string goaway = frame(FrameType::kGoaway, 0, number(kHighest) + number(0));
  const std::size_t before_code = goaway.size() - 4;
  EXPECT_EQ(frames.substr(frames.size() - goaway.size(), before_code), goaway.substr(0, before_code));
  return answer.error_name();
}

TEST(HostileFrames, AreAnsweredWithGoawayAndTheCodeThatNamesTheMistake) {
  for (const Mistake& mistake : mistakes()) EXPECT_EQ(complaint(mistake.bytes), mistake.code) << mistake.what;
}

TEST(HostileFrames, AreIgnoredIfAnHonestClientMayHaveSentThem) {
  const std::vector<std::string> frames{
      frame(kUnknown, 1234, "unknown", 0xff),
      frame(FrameType::kPriority, kRefused, "12345"),
      frame(FrameType::kPriority, kRefused, number(kRefused) + "w"),  // which depends on itself
      frame(FrameType::kHeaders, kRefused, number(kRefused) + "w\x82", kHasPriority | kEndHeaders),
      frame(FrameType::kPriority, 2, "12345"),
      frame(FrameType::kData, kHighest, "late"),
      headers(kHighest),
      reset(kHighest),
      update(kHighest, 0),
      headers(kRefused, 0) + frame(FrameType::kContinuation, kRefused, "x") +
          frame(FrameType::kContinuation, kRefused, "", kEndHeaders) +
          frame(FrameType::kData, kRefused, std::string("\x03xxxx", 5), kPadded) + headers(kRefused) +
          update(kRefused, 0x7fffffff) + update(kRefused, 0x7fffffff) + reset(kRefused),
      frame(FrameType::kSettings, 0, "", kAck),
      frame(FrameType::kPing, 0, "12345678", kAck),
      frame(FrameType::kPing, 0, "12345678", 0xfe),
      setting(4711, 1),
      setting(4, 100) + setting(4, 1),
      setting(5, 1 << 20),
      update(0, 0x7fffffff - 65'535),
      update(kStream, 0x80000001),
  };
  for (const std::string& bytes : frames) {
    EXPECT_EQ(complaint(bytes), "") << testing::PrintToString(bytes);
    EXPECT_EQ(complaint(bytes + update(0, 0)), "PROTOCOL_ERROR") << "what follows is read";
  }
}

TEST(HostileFrames, EndAfterAComplaint) {
  Http2Answer answer(kState);
  written(answer, kShortHead);
  answer.receive(update(0, 0) + frame(FrameType::kPing, 0, "12345678"));
  EXPECT_EQ(written(answer, "more", End::kWhole).size(), 17u) << "GOAWAY alone";
  answer.receive(frame(FrameType::kPing, 0, "12345678"));
  EXPECT_EQ(written(answer, "more", End::kWhole), "");
}

TEST(HostileFrames, WithoutEndAreCutShort) {
  for (const std::string& flood :
       {frame(FrameType::kSettings, 0), frame(FrameType::kPing, 0, "12345678"), frame(FrameType::kPriority, 1, "12345"),
        frame(FrameType::kData, kHighest), reset(kHighest), update(0, 1), frame(kUnknown, 0)}) {
    Http2Answer answer(kState);
    written(answer, kShortHead);
    std::size_t count = 0, replied = 0;
    for (; answer.received() == Received::kNothing && count <= kMostUnits; ++count) {
      answer.receive(flood);
      replied += written(answer).size();
    }
    EXPECT_EQ(answer.error_name(), "ENHANCE_YOUR_CALM") << testing::PrintToString(flood);
    EXPECT_LE(replied, std::size_t{kMostUnits} * 17 + 17);
  }
}

TEST(HostileFrames, OpenStreamsWithoutEndAndAreCutShort) {
  Http2Answer answer(kState);
  written(answer, kShortHead);
  std::uint32_t stream = kHighest;
  while (answer.received() == Received::kNothing && stream < kHighest + 3 * kMostUnits) {
    stream += 2;
    answer.receive(headers(stream) + reset(stream));
    written(answer);
  }
  EXPECT_EQ(answer.error_name(), "ENHANCE_YOUR_CALM");
}

TEST(HostileFrames, ContinueAHeaderBlockWithoutEndAndAreCutShort) {
  Http2Answer answer(kState);
  answer.receive(headers(kRefused, 0));
  for (std::size_t i = 0; i <= kMostUnits; ++i) answer.receive(frame(FrameType::kContinuation, kRefused, "x"));
  EXPECT_EQ(answer.error_name(), "ENHANCE_YOUR_CALM");
}

TEST(HostileFrames, CountAsMuchAsTheyAreLong) {
  Http2Answer answer(kState);
  answer.count_received(std::size_t{kMostUnits} * 1024);
  EXPECT_EQ(answer.received(), Received::kNothing);
  answer.count_received(1);
  EXPECT_EQ(answer.error_name(), "ENHANCE_YOUR_CALM");
}

TEST(HostileFrames, OfAClientThatReadsNoRepliesAreCutShort) {
  Http2Answer answer(kState);
  std::size_t pings = 0;
  for (; answer.received() == Received::kNothing; ++pings) answer.receive(frame(FrameType::kPing, 0, "12345678"));
  EXPECT_LE(pings, kMaxReplyBytes / 17 + 1);
  EXPECT_EQ(answer.error_name(), "ENHANCE_YOUR_CALM");
  EXPECT_LE(written(answer).size(), kMaxReplyBytes + 17);
}

}  // namespace
}  // namespace streaming
