// SPDX-License-Identifier: Apache-2.0
// The one answer on a connection of HTTP/2, read by nghttp2.

#include "client/http2_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "support/http2_peer.h"

namespace streaming {
namespace {

using handoff_protocol::Http2State;
using End = ClientConnection::End;
using Received = ClientConnection::Received;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Le;

const std::string kHead =
    "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/event-stream\r\n"
    "Cache-Control: no-cache, no-transform\r\nConnection: close\r\nX-Accel-Buffering: no\r\n\r\n";

class Http2AnswerTest : public testing::Test {
 protected:
  explicit Http2AnswerTest(const Http2Setup& setup = {}) : peer(setup) {}

  // Queues text, and lets the client read what goes.
  void write(std::string_view more, End end = End::kNotYet) {
    queue += more;
    Buffer frames;
    queue.erase(0, answer.write(queue, end, frames).done);
    peer.read(frames.view());
  }
  // The client's frames arrive, and it reads the replies.
  Received exchange() {
    answer.receive(peer.write());
    write("");
    return answer.received();
  }
  bool is_held_back() const { return !queue.empty(); }

  Http2Peer peer;
  Http2Answer answer{peer.server_state()};
  std::string queue;
};

TEST_F(Http2AnswerTest, IsHeadersThenDataThenTheEndOfTheStreamAndOfTheConnection) {
  write(kHead + ":\n\n");
  EXPECT_EQ(peer.header(":status"), "200");
  EXPECT_EQ(peer.header("content-type"), "text/event-stream");
  EXPECT_EQ(peer.header("x-accel-buffering"), "no");
  EXPECT_EQ(peer.header("connection"), "") << "HTTP/2 has no such fields";
  EXPECT_EQ(peer.body(), ":\n\n");
  EXPECT_THAT(peer.goaways(), ElementsAre(Http2Peer::Goaway{1, NGHTTP2_NO_ERROR})) << "behind the head";
  write("data: a\n\n");
  EXPECT_FALSE(peer.is_whole());
  write("data: [DONE]\n\n", End::kWhole);
  EXPECT_EQ(peer.body(), ":\n\ndata: a\n\ndata: [DONE]\n\n");
  EXPECT_TRUE(peer.is_whole()) << peer.error();
  EXPECT_THAT(peer.data_frames(), ElementsAre(3, 9, 14)) << "the last frame with text ends the stream";
  EXPECT_EQ(peer.goaways().size(), 1u);
}

TEST_F(Http2AnswerTest, EndsWithAnEmptyFrameIfAllTextHasGone) {
  write(kHead + "data: a\n\n");
  write("", End::kWhole);
  EXPECT_TRUE(peer.is_whole());
  EXPECT_THAT(peer.data_frames(), ElementsAre(9, 0));
}

TEST_F(Http2AnswerTest, GoesOnToReplyBehindItsEndUntilTheConnectionEnds) {
  write(kHead + "data: a\n\n", End::kWhole);
  Http2Peer late;  // has not read the end
  late.ping();
  const std::int32_t other = late.request();
  answer.receive(late.write());
  Buffer frames;
  EXPECT_FALSE(answer.write("", End::kWhole, frames).is_end);
  late.read(frames.view());
  EXPECT_EQ(late.acknowledged_pings(), 1);
  EXPECT_EQ(late.closed(other), NGHTTP2_REFUSED_STREAM);
  EXPECT_THAT(late.goaways(), IsEmpty()) << "it came with the end";
  frames.reset();
  EXPECT_TRUE(answer.write("", End::kConnection, frames).is_end);
  EXPECT_EQ(frames.size(), 0u);
}

TEST_F(Http2AnswerTest, DividesTextIntoFramesThatEveryClientTakes) {
  Http2Setup setup{.initial_window = 1'000'000, .connection_window = 1'000'000};
  Http2Peer wide(setup);
  Http2Answer large(wide.server_state());
  Buffer frames;
  const std::string text = kHead + std::string(100'000, 'x');
  EXPECT_EQ(large.write(text, End::kWhole, frames).done, text.size());
  wide.read(frames.view());
  EXPECT_TRUE(wide.is_whole()) << wide.error();
  EXPECT_EQ(wide.body().size(), 100'000u);
  EXPECT_THAT(wide.data_frames(), Each(Le(kMaxSentFrameBytes)));
}

// --- Windows --------------------------------------------------------------------------------------------------------

class Http2WindowTest : public Http2AnswerTest {
 protected:
  Http2WindowTest() : Http2AnswerTest({.initial_window = 10, .updates_windows = false}) {}
};

TEST_F(Http2WindowTest, HoldsTextBackUntilTheClientOpensItsWindow) {
  write(kHead + "0123456789abcdef");
  EXPECT_EQ(peer.body(), "0123456789");
  EXPECT_TRUE(is_held_back());
  write("ghi", End::kWhole);
  EXPECT_EQ(peer.body(), "0123456789") << "the end waits behind the text";
  EXPECT_FALSE(peer.is_whole());
  peer.open_windows(4);
  exchange();
  EXPECT_EQ(peer.body(), "0123456789abcd");
  peer.open_windows(100);
  answer.receive(peer.write());
  write("", End::kWhole);
  EXPECT_EQ(peer.body(), "0123456789abcdefghi");
  EXPECT_TRUE(peer.is_whole()) << peer.error();
  EXPECT_FALSE(is_held_back());
}

TEST_F(Http2WindowTest, IsCutByResetWhichDropsWhatTheClientDoesNotTake) {
  write(kHead + "0123456789abcdef");
  write("", End::kCut);
  EXPECT_FALSE(is_held_back());
  EXPECT_EQ(peer.body(), "0123456789");
  EXPECT_EQ(peer.closed(peer.stream()), NGHTTP2_CANCEL);
  EXPECT_THAT(peer.goaways(), ElementsAre(Http2Peer::Goaway{1, NGHTTP2_NO_ERROR}));
  EXPECT_EQ(answer.error_name(), "CANCEL");
  peer.open_windows(100);
  exchange();
  EXPECT_EQ(peer.error(), "");
}

TEST_F(Http2WindowTest, AppliesAChangedInitialWindowWhichCanMakeTheWindowNegative) {
  write(kHead + "0123456789abcdef");
  peer.set_initial_window(4);
  exchange();
  EXPECT_EQ(peer.acknowledged_settings(), 1);
  peer.open_windows(6);
  exchange();
  EXPECT_EQ(peer.body(), "0123456789") << "ten of four and six bytes went";
  peer.set_initial_window(6);
  exchange();
  EXPECT_EQ(peer.body(), "0123456789ab");
  EXPECT_EQ(peer.acknowledged_settings(), 2);
}

TEST_F(Http2WindowTest, StaysWithinTheWindowOfTheConnectionToo) {
  Http2State state = peer.server_state();
  state.connection_window = 3;
  Http2Answer narrow(state);
  Buffer frames;
  narrow.write(kHead + "abcdef", End::kNotYet, frames);
  peer.read(frames.view());
  EXPECT_EQ(peer.body(), "abc");
}

TEST_F(Http2WindowTest, KeepsTextInOrderHoweverLittleTheClientTakesAtATime) {
  std::string all;
  write(kHead);
  for (int i = 0; i < 300; ++i) {
    const std::string text = std::to_string(i) + "\n";
    all += text;
    write(text, i == 299 ? End::kWhole : End::kNotYet);
    peer.open_windows(1 + i % 5);
    answer.receive(peer.write());
    write("", i == 299 ? End::kWhole : End::kNotYet);
  }
  while (is_held_back()) {
    peer.open_windows(7);
    answer.receive(peer.write());
    write("", End::kWhole);
  }
  EXPECT_EQ(peer.body(), all);
  EXPECT_TRUE(peer.is_whole()) << peer.error();
}

TEST_F(Http2AnswerTest, OutlastsAllWindowUpdatesOfALongAnswer) {
  write(kHead);
  for (int i = 0; i < 100'000; ++i) {
    write("data: {\"content\":\"word\"}\n\n");
    peer.open_windows(26);
    const std::string frames = peer.write();
    answer.count_received(frames.size());
    answer.receive(frames);
    ASSERT_EQ(answer.received(), Received::kNothing) << i;
  }
}

// --- What a client may send -----------------------------------------------------------------------------------------

TEST_F(Http2AnswerTest, AcknowledgesPingsAndSettingsAlsoBeforeTheHead) {
  peer.ping();
  peer.set_initial_window(70'000);
  EXPECT_EQ(exchange(), Received::kNothing);
  EXPECT_EQ(peer.acknowledged_pings(), 1);
  EXPECT_EQ(peer.acknowledged_settings(), 1);
  EXPECT_FALSE(answer.has_to_reply());
  write(kHead, End::kWhole);
  EXPECT_TRUE(peer.is_whole()) << peer.error();
}

TEST_F(Http2AnswerTest, RefusesStreamsThatTheClientOpensSoThatItAsksElsewhere) {
  const std::int32_t other = peer.request();
  const std::int32_t third = peer.request();
  const std::string requests = peer.write();
  write(kHead);
  answer.receive(requests);
  EXPECT_EQ(answer.received(), Received::kNothing);
  EXPECT_EQ(peer.closed(other), NGHTTP2_REFUSED_STREAM) << "GOAWAY is enough";
  EXPECT_EQ(peer.closed(third), NGHTTP2_REFUSED_STREAM);
  write("data: a\n\n", End::kWhole);
  EXPECT_EQ(peer.body(), "data: a\n\n") << "the answer goes on";
  EXPECT_TRUE(peer.is_whole()) << peer.error();
  EXPECT_EQ(peer.goaways().size(), 1u);
}

TEST_F(Http2AnswerTest, RefusesNoStreamBeforeTheHeadAndWantsIt) {
  const std::int32_t other = peer.request();
  EXPECT_FALSE(answer.wants_head());
  EXPECT_EQ(exchange(), Received::kNothing);
  EXPECT_TRUE(answer.wants_head());
  EXPECT_FALSE(peer.closed(other));
  EXPECT_THAT(peer.goaways(), IsEmpty());
  write(kHead);
  EXPECT_FALSE(answer.wants_head());
  EXPECT_EQ(peer.header(":status"), "200");
  EXPECT_EQ(peer.closed(other), NGHTTP2_REFUSED_STREAM) << "GOAWAY refuses it";
}

TEST_F(Http2AnswerTest, IsCancelledByResetAndDropsTheRest) {
  write(kHead + "data: a\n\n");
  peer.cancel();
  EXPECT_EQ(exchange(), Received::kCancelled);
  EXPECT_EQ(answer.error_name(), "CANCEL");
  write("data: b\n\n", End::kWhole);
  EXPECT_FALSE(is_held_back());
  EXPECT_EQ(peer.body(), "data: a\n\n");
  EXPECT_EQ(peer.goaways().size(), 1u);
}

TEST_F(Http2AnswerTest, SendsTheClientElsewhereIfItIsCancelledBeforeTheHead) {
  peer.cancel();
  EXPECT_EQ(exchange(), Received::kCancelled);
  EXPECT_THAT(peer.goaways(), ElementsAre(Http2Peer::Goaway{1, NGHTTP2_NO_ERROR}))
      << "the client is not to use this connection again";
}

TEST_F(Http2AnswerTest, StillServesTheConnectionOfACancelledAnswer) {
  write(kHead);
  peer.cancel();
  exchange();
  Http2Peer later;  // that has not seen GOAWAY
  later.ping();
  later.request();
  answer.receive(later.write());
  Buffer frames;
  answer.write("", End::kNotYet, frames);
  later.read(frames.view());
  EXPECT_EQ(later.acknowledged_pings(), 1);
  EXPECT_EQ(later.closed(3), NGHTTP2_REFUSED_STREAM);
}

TEST_F(Http2AnswerTest, IsCancelledByGoawayWithAnErrorAlone) {
  write(kHead);
  peer.go_away(NGHTTP2_NO_ERROR);
  EXPECT_EQ(exchange(), Received::kNothing) << "its open stream goes on";
  Http2Peer other;
  other.go_away(NGHTTP2_INTERNAL_ERROR);
  answer.receive(other.write());
  EXPECT_EQ(answer.received(), Received::kCancelled);
  EXPECT_EQ(answer.error_name(), "INTERNAL_ERROR");
}

TEST_F(Http2AnswerTest, ReadsFramesThatComeInAnyPieces) {
  peer.ping();
  peer.set_initial_window(100'000);
  peer.request();
  peer.open_windows(5);
  peer.cancel();
  const std::string frames = peer.write();
  const auto outcome = [&](auto pieces) {
    Http2Answer cut(peer.server_state());
    Buffer to_client;
    cut.write(kHead, End::kNotYet, to_client);
    for (std::size_t at = 0, length = 0; at < frames.size(); at += length) {
      length = pieces(at);
      cut.receive(std::string_view(frames).substr(at, length));
    }
    cut.write("", End::kNotYet, to_client);
    return std::string(to_client.view()) + std::string(cut.error_name());
  };
  const std::string whole = outcome([&](std::size_t) { return frames.size(); });
  EXPECT_EQ(outcome([](std::size_t) { return 1; }), whole);
  for (std::size_t cut = 1; cut < frames.size(); ++cut) {
    EXPECT_EQ(outcome([cut](std::size_t at) { return at < cut ? cut - at : 1000; }), whole) << cut;
  }
}

}  // namespace
}  // namespace streaming
