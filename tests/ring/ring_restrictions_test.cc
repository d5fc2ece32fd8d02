// SPDX-License-Identifier: Apache-2.0
#include "ring/ring_restrictions.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "ring/uring_ring.h"
#include "support/ring_kinds.h"

namespace streaming {
namespace {

bool is_allowed(unsigned operation) {
  return std::find(kRingOperations.begin(), kRingOperations.end(), operation) != kRingOperations.end();
}

class RingRestrictionsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!has_uring()) GTEST_SKIP() << "io_uring is not available here";
    io_uring_params params{};
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED;
    ASSERT_EQ(io_uring_queue_init_params(8, &ring, &params), 0);
    probe.reset(io_uring_get_probe_ring(&ring));
    const Status restricted = restrict_ring(ring);
    ASSERT_TRUE(restricted.ok()) << restricted.error().message;
    ASSERT_EQ(syscall(SYS_io_uring_register, ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0), 0);
  }
  void TearDown() override {
    if (!IsSkipped()) io_uring_queue_exit(&ring);
  }

  // What the kernel says to an operation on nothing.
  int result_of(unsigned operation, unsigned flags = 0) {
    io_uring_sqe* entry = io_uring_get_sqe(&ring);
    io_uring_prep_rw(static_cast<int>(operation), entry, -1, nullptr, 0, 0);
    entry->flags = static_cast<std::uint8_t>(flags);
    EXPECT_EQ(io_uring_submit_and_wait(&ring, 1), 1);
    io_uring_cqe* completion = nullptr;
    EXPECT_EQ(io_uring_peek_cqe(&ring, &completion), 0);
    const int result = completion->res;
    io_uring_cqe_seen(&ring, completion);
    return result;
  }

  io_uring ring{};
  std::unique_ptr<io_uring_probe, decltype(&io_uring_free_probe)> probe{nullptr, &io_uring_free_probe};
};

TEST_F(RingRestrictionsTest, LetTheOperationsThroughThatAreUsedAndNoOther) {
  ASSERT_GT(probe->last_op, IORING_OP_MSG_RING);
  for (unsigned operation = 0; operation <= probe->last_op; ++operation) {
    if (is_allowed(operation)) {
      EXPECT_NE(result_of(operation), -EACCES) << operation;
    } else {
      EXPECT_EQ(result_of(operation), -EACCES) << operation;
    }
  }
}

TEST_F(RingRestrictionsTest, RefuseFlagsThatAreNotUsed) {
  EXPECT_EQ(result_of(IORING_OP_POLL_ADD, IOSQE_ASYNC), -EACCES);
  EXPECT_EQ(result_of(IORING_OP_POLL_ADD, IOSQE_FIXED_FILE), -EBADF);
}

TEST(RingRestrictions, HoldOnTheWorkersRings) {
  if (!has_uring()) GTEST_SKIP() << "io_uring is not available here";
  Result<std::unique_ptr<Ring>> ring =
      UringRing::create({.client_files = 1, .connection_files = 1, .receive_bytes = 1000});
  ASSERT_TRUE(ring.ok()) << ring.error().message;
  ASSERT_TRUE((*ring)->enable().ok());
  const int event = -1;
  EXPECT_EQ(syscall(SYS_io_uring_register, (*ring)->number(), IORING_REGISTER_EVENTFD, &event, 1), -1);
  EXPECT_EQ(errno, EACCES);
}

}  // namespace
}  // namespace streaming
