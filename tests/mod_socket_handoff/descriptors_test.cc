// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace socket_handoff {
namespace {

class DeadSocketTest : public testing::Test {
 protected:
  DeadSocketTest() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    apache = UniqueDescriptor(ends[0]);
    client = UniqueDescriptor(ends[1]);
  }

  UniqueDescriptor apache;  // the number that Apache goes on using
  UniqueDescriptor client;
};

TEST_F(DeadSocketTest, ClientSeesTheEndOfApachesConnection) {
  ASSERT_TRUE(DeadSocket::create().replace(apache.get()));
  char byte;
  EXPECT_EQ(::read(client.get(), &byte, 1), 0);
}

TEST_F(DeadSocketTest, ReadsEndAndWritesFailWithoutEverWaiting) {
  ASSERT_TRUE(DeadSocket::create().replace(apache.get()));
  char byte;
  EXPECT_EQ(::read(apache.get(), &byte, 1), 0);
  EXPECT_EQ(::send(apache.get(), "x", 1, MSG_NOSIGNAL), -1);
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(DeadSocketTest, DescriptorIsNotInheritedByScripts) {
  ASSERT_TRUE(DeadSocket::create().replace(apache.get()));
  EXPECT_EQ(::fcntl(apache.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(DeadSocketTest, NoDescriptorIsLeftOver) {
  const int next_free = ::dup(apache.get());
  ::close(next_free);
  ASSERT_TRUE(DeadSocket::create().replace(apache.get()));
  const int next_free_afterwards = ::dup(apache.get());
  ::close(next_free_afterwards);
  EXPECT_EQ(next_free_afterwards, next_free);
}

TEST_F(DeadSocketTest, ReplacingNoDescriptorEndsTheProcessWithTheBrokenInvariant) {
  EXPECT_DEATH((void)DeadSocket::create().replace(-1), "descriptors.cc:[0-9]+: SH_CHECK\\(.*descriptor >= 0\\) failed");
}

}  // namespace
}  // namespace socket_handoff
