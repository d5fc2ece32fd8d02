// SPDX-License-Identifier: Apache-2.0
#include "stream/stream_writer.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "support/fake_ring.h"

namespace streaming {
namespace {

using Progress = StreamWriter::Progress;

class StreamWriterTest : public testing::Test, private CompletionHandler {
 protected:
  bool flush() { return writer.flush(ring, RingFile::direct(0), Tag{Operation::kClientSend, {}}); }
  std::string in_flight() { return ring.find(Operation::kClientSend).bytes; }
  Progress sent(std::int32_t result) {
    ring.complete(Operation::kClientSend, result);
    return writer.on_sent(result);
  }

  StreamWriter writer;
  FakeRing ring{this};

 private:
  void on_completion(const Completion&) override {}
};

TEST_F(StreamWriterTest, SendsNothingWhenNothingWaits) {
  EXPECT_FALSE(flush());
  EXPECT_TRUE(writer.empty());
}

TEST_F(StreamWriterTest, KeepsOneSendInFlightAndSendsWhatGatheredInTheNext) {
  writer.queue().append("one");
  EXPECT_TRUE(flush());
  writer.queue().append("two");
  writer.queue().append("three");
  EXPECT_FALSE(flush());
  EXPECT_EQ(in_flight(), "one");
  EXPECT_EQ(writer.waiting(), 11u);
  EXPECT_EQ(sent(3), Progress::kSent);
  EXPECT_TRUE(flush());
  EXPECT_EQ(in_flight(), "twothree");
}

TEST_F(StreamWriterTest, ContinuesAShortSendBeforeAnythingElse) {
  writer.queue().append("abcdef");
  flush();
  writer.queue().append("next");
  EXPECT_EQ(sent(2), Progress::kSent);
  flush();
  EXPECT_EQ(in_flight(), "cdef");
  EXPECT_EQ(sent(4), Progress::kSent);
  flush();
  EXPECT_EQ(in_flight(), "next");
}

TEST_F(StreamWriterTest, KeepsEverythingWhenTheClientsBufferIsFull) {
  writer.queue().append("abc");
  flush();
  EXPECT_EQ(sent(-EAGAIN), Progress::kBlocked);
  EXPECT_EQ(writer.waiting(), 3u);
  EXPECT_FALSE(writer.sending());
  flush();
  EXPECT_EQ(in_flight(), "abc");
}

TEST_F(StreamWriterTest, TakesAShortageOfMemoryForAFullBuffer) {
  writer.queue().append("abc");
  flush();
  EXPECT_EQ(sent(-ENOBUFS), Progress::kBlocked);
}

TEST_F(StreamWriterTest, ReportsAClientThatIsGone) {
  writer.queue().append("abc");
  flush();
  EXPECT_EQ(sent(-EPIPE), Progress::kFailed);
}

TEST_F(StreamWriterTest, MakesOneChunkOfEachFlushBehindTheHeadWhichIsInNone) {
  writer.queue().append("HTTP/1.1 200 OK\r\nA: b\r\n\r\nfirst");
  writer.begin_chunks();
  flush();
  EXPECT_EQ(in_flight(), "HTTP/1.1 200 OK\r\nA: b\r\n\r\n5\r\nfirst\r\n");
  writer.queue().append("second ");
  writer.queue().append("and third");
  sent(static_cast<std::int32_t>(in_flight().size()));
  flush();
  EXPECT_EQ(in_flight(), "10\r\nsecond and third\r\n");
  sent(static_cast<std::int32_t>(in_flight().size()));
  EXPECT_TRUE(writer.empty());
  EXPECT_EQ(writer.queue().data(), nullptr);
}

TEST_F(StreamWriterTest, ContinuesAChunkOfWhichAPartHasGone) {
  writer.queue().append("H\r\n\r\nfirst");
  writer.begin_chunks();
  flush();
  sent(7);
  writer.queue().append("next");
  flush();
  EXPECT_EQ(in_flight(), "\nfirst\r\n");
  sent(1);
  flush();
  EXPECT_EQ(in_flight(), "first\r\n");
  sent(7);
  flush();
  EXPECT_EQ(in_flight(), "4\r\nnext\r\n");
}

TEST_F(StreamWriterTest, SendsTheLastChunkWithTheLastBytesOrAlone) {
  writer.queue().append("H\r\n\r\n");
  writer.begin_chunks();
  flush();
  EXPECT_EQ(in_flight(), "H\r\n\r\n") << "no empty chunk, which would be the last";
  sent(5);
  writer.queue().append("end");
  writer.end_chunks();
  flush();
  EXPECT_EQ(in_flight(), "3\r\nend\r\n0\r\n\r\n");
  sent(13);
  EXPECT_TRUE(writer.empty());

  StreamWriter other;
  other.queue().append("H\r\n\r\nx");
  other.begin_chunks();
  other.flush(ring, RingFile::direct(0), Tag{Operation::kClientSend, {}});
  other.end_chunks();
  EXPECT_FALSE(other.empty());
  ring.pending.clear();
  other.on_sent(11);
  other.flush(ring, RingFile::direct(0), Tag{Operation::kClientSend, {}});
  EXPECT_EQ(in_flight(), "0\r\n\r\n");
  other.on_sent(5);
  EXPECT_TRUE(other.empty());
}

TEST_F(StreamWriterTest, FramesNothingOfAnAnswerThatTookTheStreamsPlace) {
  writer.queue().append("H\r\n\r\nheld");
  writer.begin_chunks();
  writer.drop();
  writer.queue().append("HTTP/1.1 503 ...");
  writer.end_chunks();
  flush();
  EXPECT_EQ(in_flight(), "HTTP/1.1 503 ...");
}

TEST_F(StreamWriterTest, HoldsNoMemoryWhenAllIsSent) {
  writer.queue().append("abc");
  flush();
  sent(3);
  EXPECT_TRUE(writer.empty());
  EXPECT_EQ(writer.queue().data(), nullptr);
}

}  // namespace
}  // namespace streaming
