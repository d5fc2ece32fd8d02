// SPDX-License-Identifier: Apache-2.0
// The system calls that EpollRing saves. This program's accept4() takes the place of the C library's, and counts.

#include "ring/engine.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "support/temporary_directory.h"
#include "support/unix_sockets.h"

namespace {

int accept_calls = 0;

}  // namespace

extern "C" int accept4(int fd, sockaddr* address, socklen_t* length, int flags) {
  ++accept_calls;
  return static_cast<int>(syscall(SYS_accept4, fd, address, length, flags));
}

namespace streaming {
namespace {

class CountsCompletions final : public CompletionHandler {
 public:
  void on_completion(const Completion& completion) override {
    EXPECT_GE(completion.result, 0);
    ++completed;
    close(completion.result);
  }
  int completed = 0;
};

TEST(EpollRing, AsksForAnotherConnectionOnceHoweverManyAcceptsWait) {
  Result<std::unique_ptr<Ring>> ring = make_ring(Engine::kEpoll, {.receive_bytes = 1});
  ASSERT_TRUE(ring.ok());
  const TemporaryDirectory directory;
  const UniqueFd listener = listen_at(directory.file("s"));
  for (std::uint32_t accept = 0; accept < 64; ++accept) {
    (*ring)->submit_accept(RingFile::regular(listener.get()), Tag{Operation::kAccept, Handle{accept, 1}});
  }
  CountsCompletions handler;
  ASSERT_TRUE((*ring)->wait(0).ok());
  (*ring)->dispatch(handler);
  accept_calls = 0;
  const UniqueFd peer = connect_to(directory.file("s"));
  ASSERT_TRUE((*ring)->wait(0).ok());
  (*ring)->dispatch(handler);
  EXPECT_EQ(handler.completed, 1);
  EXPECT_EQ(accept_calls, 2) << "the connection, and that there is no other";
}

}  // namespace
}  // namespace streaming
