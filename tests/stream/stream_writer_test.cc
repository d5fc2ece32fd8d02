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

TEST_F(StreamWriterTest, HoldsNoMemoryWhenAllIsSent) {
  writer.queue().append("abc");
  flush();
  sent(3);
  EXPECT_TRUE(writer.empty());
  EXPECT_EQ(writer.queue().data(), nullptr);
}

}  // namespace
}  // namespace streaming
