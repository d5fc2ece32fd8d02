// SPDX-License-Identifier: Apache-2.0
// The ring when the kernel fails to take operations or loses completions: liburing's ways into the kernel are replaced
// by ones that fail as the test says. A program of its own, as that holds for all of it.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <liburing.h>
#include <poll.h>

#include <cerrno>

#include "ring/limits.h"
#include "ring/uring_ring.h"
#include "support/unix_sockets.h"

namespace {

int failure = 0;   // an errno; 0: none
int failures = 0;  // how often the kernel is still to fail with it
int lost = 0;      // completions that the kernel is to lose

// What the replaced function is to return in place of the original's result; 0: the original's.
int injected(io_uring* ring) {
  *ring->cq.koverflow += static_cast<unsigned>(std::exchange(lost, 0));
  if (failures == 0) return 0;
  --failures;
  return -failure;
}

template <typename Function, typename... Arguments>
int original(const char* name, Arguments... arguments) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name))(arguments...);
}

}  // namespace

extern "C" {

int io_uring_submit_and_wait(io_uring* ring, unsigned count) {
  if (const int result = injected(ring)) return result;
  return original<int (*)(io_uring*, unsigned)>("io_uring_submit_and_wait", ring, count);
}

int io_uring_submit_and_get_events(io_uring* ring) {
  if (const int result = injected(ring)) return result;
  return original<int (*)(io_uring*)>("io_uring_submit_and_get_events", ring);
}

int io_uring_submit_and_wait_timeout(io_uring* ring, io_uring_cqe** first, unsigned count, __kernel_timespec* timeout,
                                     sigset_t* signals) {
  if (const int result = injected(ring)) return result;
  return original<int (*)(io_uring*, io_uring_cqe**, unsigned, __kernel_timespec*, sigset_t*)>(
      "io_uring_submit_and_wait_timeout", ring, first, count, timeout, signals);
}

}  // extern "C"

namespace streaming {
namespace {

class UringFaultsTest : public testing::Test, protected CompletionHandler {
 protected:
  void SetUp() override {
    Result<std::unique_ptr<Ring>> made = UringRing::create({.direct_files = false, .receive_bytes = 1000});
    ASSERT_TRUE(made.ok()) << made.error().message;
    ring = std::move(*made);
    ASSERT_TRUE(ring->enable().ok());
  }
  void fail(int error, int times) {
    failure = error;
    failures = times;
  }
  void submit_polls(int count) {
    for (int i = 0; i < count; ++i) {
      ring->submit_poll(RingFile::regular(socket.get()), POLLOUT,
                        Tag{Operation::kClientWritable, Handle{submitted++, 1}});
    }
  }
  // Until all have completed; false when a hundred turns were not enough.
  bool all_complete() {
    for (int turn = 0; turn < 100 && completed < submitted; ++turn) {
      EXPECT_TRUE(ring->wait(10'000'000).ok());
      ring->dispatch(*this);
    }
    return completed == submitted;
  }
  void on_completion(const Completion& completion) override {
    EXPECT_EQ(completion.tag.slot.index, completed) << "in the order of their submission";
    ++completed;
  }

  std::unique_ptr<Ring> ring;
  UniqueFd socket{::socket(AF_UNIX, SOCK_DGRAM, 0)};
  std::uint32_t submitted = 0;
  std::uint32_t completed = 0;
};

TEST_F(UringFaultsTest, KeepsWhatTheKernelDoesNotTakeAndSubmitsItLaterInItsOrder) {
  for (const int error : {EAGAIN, EBUSY, EINTR}) {
    fail(error, 5000);
    submit_polls(2 * kSubmissionEntries);
    EXPECT_EQ(completed, 0u);
    submitted = 2 * kSubmissionEntries;
    fail(0, 0);
    EXPECT_TRUE(all_complete()) << completed << " of " << submitted;
    submitted = completed = 0;
  }
}

TEST_F(UringFaultsTest, GoesOnWithoutWhatTheKernelHasNoMemoryForAndTriesAgain) {
  submit_polls(3);
  for (const int error : {EAGAIN, EBUSY, EINTR}) {
    for (const std::optional<std::int64_t> timeout :
         {std::optional<std::int64_t>(0), std::optional<std::int64_t>(1'000'000), std::optional<std::int64_t>()}) {
      fail(error, 1);
      EXPECT_TRUE(ring->wait(timeout).ok()) << "timers must go on";
    }
  }
  EXPECT_TRUE(all_complete());
}

TEST_F(UringFaultsTest, ReportsNoQuietSendThatTheKernelHasNotTaken) {
  auto [client, browser] = socket_pair(SOCK_STREAM);
  ring->submit_quiet_send(RingFile::regular(client.get()), std::string_view("hello"),
                          Tag{Operation::kClientSend, Handle{submitted++, 1}});
  fail(EAGAIN, 3);
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_TRUE(ring->wait(0).ok());
    ring->dispatch(*this);
    EXPECT_EQ(completed, 0u);
  }
  EXPECT_TRUE(all_complete());
  EXPECT_EQ(read_some(browser.get()), "hello");
}

TEST_F(UringFaultsTest, ReportsEachOfMoreFailedQuietSendsThanTheKernelHasRoomForCompletions) {
  auto [client, browser] = socket_pair(SOCK_STREAM);
  browser.reset();  // so that each has a completion
  for (std::uint32_t i = 0; i < kCompletionEntries + kSubmissionEntries; ++i) {
    ring->submit_quiet_send(RingFile::regular(client.get()), std::string_view("hello"),
                            Tag{Operation::kClientSend, Handle{submitted++, 1}});
  }
  EXPECT_TRUE(all_complete()) << completed << " of " << submitted;
}

TEST_F(UringFaultsTest, SaysOnceThatCompletionsAreLostAndGoesOn) {
  lost = 2;
  const Status waited = ring->wait(0);
  ASSERT_FALSE(waited.ok());
  EXPECT_EQ(waited.error().code, EBADR);
  submit_polls(1);
  EXPECT_TRUE(all_complete());

  fail(EBADR, 1);
  const Status waited_again = ring->wait(0);
  ASSERT_FALSE(waited_again.ok());
  EXPECT_EQ(waited_again.error().code, EBADR);
}

TEST_F(UringFaultsTest, SaysWhenTheRingIsOfNoUse) {
  fail(ENXIO, 1);
  const Status waited = ring->wait(0);
  ASSERT_FALSE(waited.ok());
  EXPECT_EQ(waited.error().code, ENXIO);
}

}  // namespace
}  // namespace streaming
