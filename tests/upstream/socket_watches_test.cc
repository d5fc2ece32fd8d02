// SPDX-License-Identifier: Apache-2.0
#include "upstream/socket_watches.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "support/fake_ring.h"

namespace streaming {
namespace {

class SocketWatchesTest : public testing::Test, private CompletionHandler, private SocketOwner {
 protected:
  FakeRing ring{this};
  SocketWatches watches{ring};
  SocketOwner& owner = *this;
  SocketWatches::Watch* watch = &watches.add(7, owner);
  std::vector<short> reported;
  std::function<void()> during_report = [] {};

 private:
  void on_completion(const Completion& completion) override { watches.on_ready(completion); }
  void on_socket_ready(int fd, short events) override {
    EXPECT_EQ(fd, 7);
    reported.push_back(events);
    during_report();
  }
};

TEST_F(SocketWatchesTest, ReportsAndLooksAgainAsLongAsItIsWanted) {
  watches.want(*watch, POLLIN);
  EXPECT_EQ(ring.find(Operation::kUpstreamReady).file, RingFile::regular(7));
  ring.complete(Operation::kUpstreamReady, POLLIN);
  EXPECT_EQ(reported, std::vector<short>{POLLIN});
  EXPECT_EQ(ring.find(Operation::kUpstreamReady).events, POLLIN);
}

TEST_F(SocketWatchesTest, ChangesWhatIsInFlight) {
  watches.want(*watch, POLLOUT);
  watches.want(*watch, POLLIN);
  EXPECT_EQ(ring.count(Operation::kUpstreamReady), 1) << "never two polls for one socket";
  ring.complete_cancelled();
  EXPECT_EQ(ring.find(Operation::kUpstreamReady).events, POLLIN);
  EXPECT_TRUE(reported.empty());
}

TEST_F(SocketWatchesTest, LooksForWhatTheReportAskedFor) {
  during_report = [this] { watches.want(*watch, POLLIN | POLLOUT); };
  watches.want(*watch, POLLIN);
  ring.complete(Operation::kUpstreamReady, POLLIN);
  EXPECT_EQ(ring.count(Operation::kUpstreamReady), 1);
  EXPECT_EQ(ring.find(Operation::kUpstreamReady).events, POLLIN | POLLOUT);
}

TEST_F(SocketWatchesTest, ReportsAPollThatFailedAsAnError) {
  watches.want(*watch, POLLIN);
  ring.complete(Operation::kUpstreamReady, -EBADF);
  EXPECT_EQ(reported, std::vector<short>{POLLERR});
}

TEST_F(SocketWatchesTest, LooksAgainWhereThePollWasCancelledOrTheKernelHadNoMemoryForIt) {
  watches.want(*watch, POLLIN);
  for (const int error : {ENOMEM, ECANCELED}) {
    ring.complete(Operation::kUpstreamReady, -error);
    EXPECT_TRUE(reported.empty()) << "the transfer would fail by it";
    EXPECT_EQ(ring.count(Operation::kUpstreamReady), 1);
  }
}

TEST_F(SocketWatchesTest, ReportsNothingOfASocketThatWasForgotten) {
  watches.want(*watch, POLLIN);
  watches.forget(*watch);
  ring.complete(Operation::kUpstreamReady, POLLIN);
  EXPECT_TRUE(reported.empty());
  EXPECT_EQ(ring.count(Operation::kUpstreamReady), 0);
}

TEST_F(SocketWatchesTest, ForgetsFromWithinAReport) {
  during_report = [this] { watches.forget(*watch); };
  watches.want(*watch, POLLIN);
  ring.complete(Operation::kUpstreamReady, POLLIN);
  EXPECT_EQ(ring.count(Operation::kUpstreamReady), 0);
  EXPECT_NE(&watches.add(8, owner), nullptr);
}

}  // namespace
}  // namespace streaming
