// SPDX-License-Identifier: Apache-2.0
// What a client sends that breaks HTTP/2, or costs without end.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "client/http2_answer.h"
#include "support/http2_peer.h"

namespace streaming {
namespace {

using handoff_protocol::frame_head_bytes;
using handoff_protocol::FrameType;
using handoff_protocol::Http2State;
using handoff_protocol::kAck;
using handoff_protocol::kEndHeaders;
using handoff_protocol::kPadded;
using End = ClientConnection::End;
using Received = ClientConnection::Received;

constexpr std::uint32_t kStream = 5;
constexpr std::uint32_t kHighest = 9;
constexpr std::uint32_t kRefused = 11;
const std::string kShortHead = "HTTP/1.1 200 OK\r\n\r\n";

constexpr Http2State kState{.stream = kStream,
                            .highest_stream = kHighest,
                            .connection_window = 65'535,
                            .stream_window = 65'535,
                            .initial_window = 65'535,
                            .max_frame_bytes = 16'384};

std::string frame(FrameType type, std::uint32_t stream, std::string_view payload = {}, std::uint8_t flags = 0) {
  const auto head = frame_head_bytes(
      {.length = static_cast<std::uint32_t>(payload.size()), .type = type, .flags = flags, .stream = stream});
  return std::string(head.begin(), head.end()) + std::string(payload);
}

std::string number(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string setting(std::uint16_t name, std::uint32_t value) {
  return frame(FrameType::kSettings, 0,
               std::string{static_cast<char>(name >> 8), static_cast<char>(name)} + number(value));
}

std::string headers(std::uint32_t stream, std::uint8_t flags = kEndHeaders) {
  return frame(FrameType::kHeaders, stream, "\x82", flags);
}

std::string update(std::uint32_t stream, std::uint32_t bytes) {
  return frame(FrameType::kWindowUpdate, stream, number(bytes));
}

std::string reset(std::uint32_t stream) {
  return frame(FrameType::kRstStream, stream, number(NGHTTP2_CANCEL));
}

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
  struct Mistake {
    const char* what;
    std::string bytes;
    std::string_view code;
  };
  const std::vector<Mistake> mistakes{
      {"too long", frame(FrameType::kData, kHighest, std::string(16'385, 'x')), "FRAME_SIZE_ERROR"},
      {"DATA on stream 0", frame(FrameType::kData, 0), "PROTOCOL_ERROR"},
      {"DATA on an idle stream", frame(FrameType::kData, kRefused), "PROTOCOL_ERROR"},
      {"DATA on the server's stream", frame(FrameType::kData, 2), "PROTOCOL_ERROR"},
      {"DATA behind the request's end", frame(FrameType::kData, kStream, "x"), "STREAM_CLOSED"},
      {"padding longer than DATA", frame(FrameType::kData, kHighest, "\x05xxxx", kPadded), "PROTOCOL_ERROR"},
      {"padded DATA without a length", frame(FrameType::kData, kHighest, "", kPadded), "FRAME_SIZE_ERROR"},
      {"HEADERS on stream 0", headers(0), "PROTOCOL_ERROR"},
      {"HEADERS on the server's stream", headers(12), "PROTOCOL_ERROR"},
      {"HEADERS behind the request's end", headers(kStream), "STREAM_CLOSED"},
      {"padding longer than HEADERS", frame(FrameType::kHeaders, kRefused, "\x02x", kPadded | kEndHeaders),
       "PROTOCOL_ERROR"},
      {"PRIORITY on stream 0", frame(FrameType::kPriority, 0, "12345"), "PROTOCOL_ERROR"},
      {"PRIORITY of four bytes", frame(FrameType::kPriority, 1, "1234"), "FRAME_SIZE_ERROR"},
      {"RST_STREAM on stream 0", reset(0), "PROTOCOL_ERROR"},
      {"RST_STREAM on an idle stream", reset(kRefused), "PROTOCOL_ERROR"},
      {"RST_STREAM of three bytes", frame(FrameType::kRstStream, kStream, "123"), "FRAME_SIZE_ERROR"},
      {"SETTINGS on a stream", frame(FrameType::kSettings, kStream), "PROTOCOL_ERROR"},
      {"SETTINGS of seven bytes", frame(FrameType::kSettings, 0, "1234567"), "FRAME_SIZE_ERROR"},
      {"SETTINGS that acknowledge with a payload", frame(FrameType::kSettings, 0, "123456", kAck), "FRAME_SIZE_ERROR"},
      {"ENABLE_PUSH of 2", setting(2, 2), "PROTOCOL_ERROR"},
      {"INITIAL_WINDOW_SIZE of 2^31", setting(4, 0x80000000), "FLOW_CONTROL_ERROR"},
      {"INITIAL_WINDOW_SIZE that overflows the window", update(kStream, 1) + setting(4, 0x7fffffff),
       "FLOW_CONTROL_ERROR"},
      {"MAX_FRAME_SIZE below 2^14", setting(5, 16'383), "PROTOCOL_ERROR"},
      {"MAX_FRAME_SIZE above 2^24 - 1", setting(5, 1 << 24), "PROTOCOL_ERROR"},
      {"PUSH_PROMISE", frame(FrameType::kPushPromise, kStream, number(2)), "PROTOCOL_ERROR"},
      {"PING on a stream", frame(FrameType::kPing, kStream, "12345678"), "PROTOCOL_ERROR"},
      {"PING of seven bytes", frame(FrameType::kPing, 0, "1234567"), "FRAME_SIZE_ERROR"},
      {"GOAWAY on a stream", frame(FrameType::kGoaway, kStream, number(0) + number(0)), "PROTOCOL_ERROR"},
      {"GOAWAY of seven bytes", frame(FrameType::kGoaway, 0, "1234567"), "FRAME_SIZE_ERROR"},
      {"WINDOW_UPDATE of three bytes", frame(FrameType::kWindowUpdate, 0, "123"), "FRAME_SIZE_ERROR"},
      {"WINDOW_UPDATE by 0", update(0, 0), "PROTOCOL_ERROR"},
      {"WINDOW_UPDATE of the stream by 0", update(kStream, 0), "PROTOCOL_ERROR"},
      {"WINDOW_UPDATE on an idle stream", update(kRefused, 1), "PROTOCOL_ERROR"},
      {"a connection's window above 2^31 - 1", update(0, 0x7fffffff), "FLOW_CONTROL_ERROR"},
      {"a stream's window above 2^31 - 1", update(kStream, 0x7fffffff), "FLOW_CONTROL_ERROR"},
      {"CONTINUATION of nothing", frame(FrameType::kContinuation, kRefused, "x"), "PROTOCOL_ERROR"},
      {"a frame within a header block", headers(kRefused, 0) + update(0, 1), "PROTOCOL_ERROR"},
      {"CONTINUATION of another stream", headers(kRefused, 0) + frame(FrameType::kContinuation, kHighest, "x"),
       "PROTOCOL_ERROR"},
      {"CONTINUATION behind the last one", headers(kRefused, 0) +
       frame(FrameType::kContinuation, kRefused, "x", kEndHeaders) + frame(FrameType::kContinuation, kRefused, "x"),
       "PROTOCOL_ERROR"},
  };
  for (const Mistake& mistake : mistakes) EXPECT_EQ(complaint(mistake.bytes), mistake.code) << mistake.what;
}

TEST(HostileFrames, AreIgnoredIfAnHonestClientMayHaveSentThem) {
  const std::vector<std::string> frames{
      frame(static_cast<FrameType>(77), 1234, "unknown"),
      frame(FrameType::kPriority, kRefused, "12345"),
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
      setting(4711, 1),
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
        frame(FrameType::kData, kHighest), reset(kHighest), update(0, 1), frame(static_cast<FrameType>(99), 0)}) {
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
