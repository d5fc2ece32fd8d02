// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/http2_trace.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace socket_handoff {
namespace {

using handoff_protocol::FrameType;
using handoff_protocol::Http2State;
using handoff_protocol::kAck;
using handoff_protocol::kEndHeaders;
using handoff_protocol::kEndStream;
using Sender = Http2Trace::Sender;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::uint8_t kWhole = kEndHeaders | kEndStream;

std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, std::string_view payload = "") {
  const auto head = handoff_protocol::frame_head_bytes(
      {.length = static_cast<std::uint32_t>(payload.size()), .type = type, .flags = flags, .stream = stream});
  return std::string(head.begin(), head.end()).append(payload);
}

std::string number(std::uint32_t value) {
  std::array<std::uint8_t, 4> bytes;
  handoff_protocol::write_number(value, bytes);
  return std::string(bytes.begin(), bytes.end());
}

std::string setting(std::uint16_t name, std::uint32_t value) {
  return std::string{static_cast<char>(name >> 8), static_cast<char>(name)} + number(value);
}

std::string settings(std::string_view payload = "") {
  return frame(FrameType::kSettings, 0, 0, payload);
}
const std::string kSettingsAck = frame(FrameType::kSettings, kAck, 0);

std::string request(std::uint32_t stream, std::uint8_t flags = kWhole) {
  return frame(FrameType::kHeaders, flags, stream, "request");
}

std::string update(std::uint32_t stream, std::uint32_t bytes) {
  return frame(FrameType::kWindowUpdate, 0, stream, number(bytes));
}

std::string data(std::uint32_t stream, std::size_t bytes, std::uint8_t flags = 0) {
  return frame(FrameType::kData, flags, stream, std::string(bytes, 'd'));
}

struct Piece {
  Sender sender;
  std::string bytes;
};
Piece client(std::string bytes) {
  return {Sender::kClient, std::move(bytes)};
}
Piece server(std::string bytes) {
  return {Sender::kServer, std::move(bytes)};
}

void feed(Http2Trace& trace, Sender sender, std::string_view text) {
  std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  while (!bytes.empty()) bytes = bytes.subspan(trace.take(sender, bytes));
}

// As the server sees it once both sides have sent this, after a preface and an empty SETTINGS of each that is
// acknowledged.
class Http2TraceTest : public testing::Test {
 protected:
  Http2TraceTest() {
    feed(trace_, Sender::kClient, std::string(kPreface) + settings());
    feed(trace_, Sender::kServer, settings() + kSettingsAck);
  }

  void receive(std::string_view text) { feed(trace_, Sender::kClient, text); }
  void send(std::string_view text) { feed(trace_, Sender::kServer, text); }

  Http2State state_of(std::uint32_t stream) {
    Http2State state;
    const Verdict verdict = trace_.read(stream, state);
    EXPECT_TRUE(verdict.is_yes()) << verdict.reason();
    return state;
  }

  std::string reason_against(std::uint32_t stream) {
    Http2State state;
    const Verdict verdict = trace_.read(stream, state);
    return verdict.is_yes() ? "" : verdict.reason();
  }

  std::string cut() {
    return std::string(trace_.cut_frame().begin(), trace_.cut_frame().end());
  }

  Http2Trace trace_;
};

TEST_F(Http2TraceTest, KnowsTheDefaultsOfAConnectionWithOneRequest) {
  receive(request(1));
  EXPECT_EQ(state_of(1), (Http2State{.stream = 1,
                                     .highest_stream = 1,
                                     .connection_window = 65'535,
                                     .stream_window = 65'535,
                                     .initial_window = 65'535,
                                     .max_frame_bytes = 16'384}));
  EXPECT_TRUE(trace_.is_alone(1));
}

TEST_F(Http2TraceTest, CountsTheWindows) {
  receive(settings(setting(4, 1'000'000) + setting(5, 32'768) + setting(1, 0)) + update(0, 1'000));
  receive(request(1) + request(3) + update(3, 50) + update(1, 7));
  send(kSettingsAck + data(1, 100, kEndStream) + data(3, 10));
  EXPECT_EQ(state_of(3), (Http2State{.stream = 3,
                                     .highest_stream = 3,
                                     .connection_window = 65'535 + 1'000 - 110,
                                     .stream_window = 1'000'000 + 50 - 10,
                                     .initial_window = 1'000'000,
                                     .max_frame_bytes = 32'768}));
  receive(settings(setting(4, 5)) + update(1, 99));
  send(kSettingsAck);
  EXPECT_EQ(state_of(3).stream_window, 45);
  receive(settings(setting(4, 0)));
  send(kSettingsAck + data(3, 45));
  EXPECT_EQ(state_of(3).stream_window, -5);
}

TEST_F(Http2TraceTest, KnowsWhichStreamsAreOpen) {
  receive(request(1) + request(3, kEndHeaders) + request(5));
  EXPECT_FALSE(trace_.is_alone(5));
  EXPECT_NE(reason_against(5), "");
  send(frame(FrameType::kHeaders, kWhole, 1, "204"));
  receive(frame(FrameType::kRstStream, 0, 3, number(8)));
  EXPECT_TRUE(trace_.is_alone(5));
  EXPECT_EQ(state_of(5).highest_stream, 5u);
  send(frame(FrameType::kRstStream, 0, 5, number(8)));
  EXPECT_FALSE(trace_.is_alone(5));
}

TEST_F(Http2TraceTest, NeedsTheWholeRequest) {
  receive(request(1, kEndHeaders));
  EXPECT_NE(reason_against(1), "");
  receive(data(1, 3));
  EXPECT_NE(reason_against(1), "");
  receive(frame(FrameType::kHeaders, kWhole, 1, "trailer"));
  state_of(1);
}

TEST_F(Http2TraceTest, KeepsAStreamWhoseResponseEndsBeforeItsRequest) {
  receive(request(1, kEndHeaders) + request(3));
  send(frame(FrameType::kHeaders, kWhole, 1, "413"));
  EXPECT_FALSE(trace_.is_alone(3));
  receive(data(1, 0, kEndStream));
  EXPECT_TRUE(trace_.is_alone(3));
}

TEST_F(Http2TraceTest, NeedsAcknowledgedSettingsAndPings) {
  receive(request(1) + settings() + frame(FrameType::kPing, 0, 0, "12345678"));
  send(kSettingsAck);
  EXPECT_NE(reason_against(1), "");
  send(frame(FrameType::kPing, kAck, 0, "12345678"));
  state_of(1);
}

TEST_F(Http2TraceTest, IgnoresInterimResponsesAndFramesThatChangeNothing) {
  receive(request(1) + kSettingsAck + frame(FrameType::kPriority, 0, 1, "12345") + update(9, 1) +
          frame(static_cast<FrameType>(0x10), 0, 0, "u=1") + frame(FrameType::kRstStream, 0, 9, number(8)));
  send(frame(FrameType::kGoaway, 0, 0, number(0x7fffffff) + number(0)));
  send(frame(FrameType::kHeaders, kEndHeaders, 1, "102") + update(0, 5) + frame(FrameType::kPing, 0, 0, "12345678"));
  state_of(1);
}

TEST_F(Http2TraceTest, KeepsTheFrameThatIsCut) {
  receive(request(1));
  EXPECT_EQ(cut(), "");
  const std::string next = request(3);
  receive(std::string_view(next).substr(0, 5));
  EXPECT_EQ(cut(), next.substr(0, 5));
  receive(std::string_view(next).substr(5, 8));
  EXPECT_EQ(cut(), next.substr(0, 13));
  EXPECT_EQ(state_of(1).highest_stream, 1u) << "a frame counts when it is complete";
  receive(std::string_view(next).substr(13));
  EXPECT_EQ(cut(), "");
  EXPECT_FALSE(trace_.is_alone(1));
}

TEST_F(Http2TraceTest, DoesNotGoOnWithinAFrameThatIsTooLongToKeep) {
  receive(request(1));
  const std::string next = frame(FrameType::kHeaders, kWhole, 3, std::string(2'000, 'h'));
  receive(std::string_view(next).substr(0, handoff_protocol::kMaxUnusedBytes));
  state_of(1);
  receive(std::string_view(next).substr(handoff_protocol::kMaxUnusedBytes, 1));
  EXPECT_NE(reason_against(1), "");
  receive(std::string_view(next).substr(handoff_protocol::kMaxUnusedBytes + 1));
  receive(frame(FrameType::kRstStream, 0, 3, number(8)));
  state_of(1);
}

TEST_F(Http2TraceTest, DoesNotGoOnWithinAHeaderBlock) {
  receive(request(1) + frame(FrameType::kHeaders, kEndStream, 3, "part"));
  receive(frame(FrameType::kRstStream, 0, 3, number(8)));
  EXPECT_NE(reason_against(1), "") << "a frame that is not CONTINUATION follows";
}

TEST_F(Http2TraceTest, GoesOnBehindAHeaderBlock) {
  receive(frame(FrameType::kHeaders, kEndStream, 1, "part"));
  EXPECT_NE(reason_against(1), "");
  receive(frame(FrameType::kContinuation, kEndHeaders, 1, "rest"));
  state_of(1);
}

TEST_F(Http2TraceTest, DoesNotReadPayloadsOfTheServer) {
  receive(request(1));
  const std::string text = data(1, 60'000);
  EXPECT_EQ(trace_.unread_bytes(), 0u);
  send(std::string_view(text).substr(0, 9));
  EXPECT_EQ(trace_.unread_bytes(), 60'000u);
  trace_.skip(59'999);
  EXPECT_FALSE(trace_.ended_frame(Sender::kServer));
  EXPECT_NE(reason_against(1), "") << "within a frame of the server";
  trace_.skip(1);
  ASSERT_TRUE(trace_.ended_frame(Sender::kServer));
  EXPECT_EQ(trace_.ended_frame(Sender::kServer)->length, 60'000u);
  EXPECT_EQ(state_of(1).stream_window, 5'535);
}

TEST_F(Http2TraceTest, TakesNoMoreThanAFrame) {
  receive(request(1));
  const std::string text = update(0, 1) + frame(FrameType::kHeaders, kEndHeaders, 1, "102");
  const std::span bytes(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  EXPECT_EQ(trace_.take(Sender::kServer, bytes), 13u);
  EXPECT_EQ(trace_.ended_frame(Sender::kServer)->type, FrameType::kWindowUpdate);
  EXPECT_EQ(trace_.take(Sender::kServer, bytes.subspan(13)), 12u);
  EXPECT_EQ(trace_.ended_frame(Sender::kServer)->stream, 1u);
}

TEST_F(Http2TraceTest, FollowsABoundedNumberOfOpenStreams) {
  std::uint32_t stream = 1;
  for (std::size_t i = 0; i < Http2Trace::kMaxOpenStreams; ++i, stream += 2) receive(request(stream));
  EXPECT_TRUE(trace_.certainty().is_yes());
  receive(request(stream));
  EXPECT_FALSE(trace_.certainty().is_yes());
}

TEST_F(Http2TraceTest, FollowsMoreStreamsOneAfterTheOther) {
  std::uint32_t stream = 1;
  for (std::size_t i = 0; i < 3 * Http2Trace::kMaxOpenStreams; ++i, stream += 2) {
    receive(request(stream));
    send(data(stream, 1, kEndStream));
    receive(update(0, 1));
  }
  receive(request(stream));
  EXPECT_EQ(state_of(stream).connection_window, 65'535);
}

TEST(Http2TracePreface, TellsHttp2FromOtherProtocols) {
  Http2Trace trace;
  EXPECT_EQ(trace.preface(), Http2Trace::Preface::kIncomplete);
  feed(trace, Sender::kClient, "PRI * HTTP/2");
  EXPECT_EQ(trace.preface(), Http2Trace::Preface::kIncomplete);
  feed(trace, Sender::kClient, kPreface.substr(12));
  EXPECT_EQ(trace.preface(), Http2Trace::Preface::kComplete);

  Http2Trace other;
  feed(other, Sender::kClient, "PRI * HTTP/1.1\r\n");
  EXPECT_EQ(other.preface(), Http2Trace::Preface::kOther);
  EXPECT_FALSE(other.certainty().is_yes());
}

TEST_F(Http2TraceTest, LosesCertaintyForGood) {
  const std::vector<Piece> kPieces = {
      client(settings(setting(4, 0x80000000))),
      client(settings(setting(5, 16'383))),
      client(settings("12345")),
      client(update(0, 0)),
      client(update(0, 0x7fffffff)),
      client(frame(FrameType::kWindowUpdate, 0, 0, "12345")),
      client(request(2)),
      client(frame(FrameType::kContinuation, kEndHeaders, 1, "rest")),
      client(frame(FrameType::kGoaway, 0, 0, number(0) + number(0))),
      client(frame(FrameType::kPushPromise, kEndHeaders, 1, number(2))),
      server(frame(FrameType::kPushPromise, kEndHeaders, 1, number(2))),
      server(kSettingsAck),
      server(frame(FrameType::kPing, kAck, 0, "12345678")),
      server(frame(FrameType::kHeaders, 0, 1, "part") + data(1, 1)),
  };
  for (const Piece& piece : kPieces) {
    SCOPED_TRACE(&piece - kPieces.data());
    Http2Trace trace;
    feed(trace, Sender::kClient, std::string(kPreface) + settings() + request(1));
    feed(trace, Sender::kServer, settings() + kSettingsAck);
    EXPECT_TRUE(trace.certainty().is_yes());
    feed(trace, piece.sender, piece.bytes);
    EXPECT_FALSE(trace.certainty().is_yes());
    Http2State state;
    EXPECT_FALSE(trace.read(1, state).is_yes());
  }
}

// However the bytes are cut, the same is known behind each piece.
TEST(Http2TraceSplits, ChangeNothing) {
  const std::vector<Piece> kConversation = {
      client(std::string(kPreface) + settings(setting(3, 100) + setting(4, 70'000) + setting(5, 20'000)) + update(0, 9)),
      server(settings() + kSettingsAck),
      client(request(1) + frame(FrameType::kHeaders, kEndStream, 3, "part") +
             frame(FrameType::kContinuation, kEndHeaders, 3, "rest") + update(3, 20) + update(0, 77)),
      server(frame(FrameType::kHeaders, kEndHeaders, 1, "200") + data(1, 300) + update(0, 4)),
      client(frame(FrameType::kPing, 0, 0, "12345678") + settings(setting(4, 60'000))),
      server(frame(FrameType::kPing, kAck, 0, "12345678") + kSettingsAck + data(1, 5, kEndStream)),
      client(kSettingsAck + request(5).substr(0, 12)),
  };
  for (std::size_t size = 1; size < 64; ++size) {
    SCOPED_TRACE(size);
    Http2Trace whole, cut;
    for (const Piece& piece : kConversation) {
      feed(whole, piece.sender, piece.bytes);
      for (std::size_t at = 0; at < piece.bytes.size(); at += size) {
        feed(cut, piece.sender, std::string_view(piece.bytes).substr(at, size));
      }
      Http2State of_whole, of_cut;
      const Verdict one = whole.read(3, of_whole), other = cut.read(3, of_cut);
      EXPECT_STREQ(one.reason(), other.reason());
      EXPECT_EQ(of_whole, of_cut);
      EXPECT_EQ(std::vector(whole.cut_frame().begin(), whole.cut_frame().end()),
                std::vector(cut.cut_frame().begin(), cut.cut_frame().end()));
    }
    Http2State state;
    EXPECT_TRUE(cut.read(3, state).is_yes());
    EXPECT_EQ(state.connection_window, 65'535 + 9 + 77 - 305);
    EXPECT_EQ(state.stream_window, 60'020);
    EXPECT_EQ(cut.cut_frame().size(), 12u);
  }
}

}  // namespace
}  // namespace socket_handoff
