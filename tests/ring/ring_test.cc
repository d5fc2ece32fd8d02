// SPDX-License-Identifier: Apache-2.0
// Both engines over the real kernel.

#include "ring/ring.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>

#include <functional>
#include <map>
#include <thread>

#include "ring/uring_ring.h"
#include "ring/uring_unavailable.h"
#include "support/ring_kinds.h"
#include "support/temporary_directory.h"
#include "support/unix_sockets.h"

namespace streaming {
namespace {

constexpr RingOptions kOptions{.client_files = 8,
                                      .connection_files = 4,
                                      .receive_buffers = 2,
                                      .receive_bytes = 1000,
                                      .stream_buffers = 2,
                                      .stream_bytes = 100};

// Keeps completions until the test asks for one.
class Completions final : public CompletionHandler {
 public:
  struct Seen {
    Completion completion;
    std::string bytes;
  };

  explicit Completions(Ring& ring) : ring_(ring) {}

  // The first completion of `operation`; waits for it. Fails the test when ten seconds bring none.
  Seen wait_for(Operation operation) {
    for (int round = 0; round < 100; ++round) {
      for (auto seen = seen_.begin(); seen != seen_.end(); ++seen) {
        if (seen->completion.tag.operation != operation) continue;
        Seen found = *seen;
        seen_.erase(seen);
        return found;
      }
      EXPECT_TRUE(ring_.wait(100'000'000).ok());
      ring_.dispatch(*this);
    }
    ADD_FAILURE() << "no completion of operation " << static_cast<int>(operation);
    return {};
  }
  std::int32_t result_of(Operation operation) { return wait_for(operation).completion.result; }

  void on_completion(const Completion& completion) override {
    EXPECT_NE(completion.tag.operation, Operation::kNone);
    seen_.push_back({completion, std::string(completion.buffer.data(), completion.buffer.size())});
  }

 private:
  Ring& ring_;
  std::vector<Seen> seen_;
};

std::unique_ptr<Ring> make_ring(const RingKind& kind) {
  RingOptions options = kOptions;
  options.direct_files = kind.direct_files;
  Result<std::unique_ptr<Ring>> ring = make_ring(kind.engine, options);
  if (!ring) ADD_FAILURE() << ring.error().message;
  return ring ? std::move(*ring) : nullptr;
}

class RingTest : public testing::TestWithParam<RingKind> {
 protected:
  void SetUp() override {
    ring = make_ring(GetParam());
    ASSERT_NE(ring, nullptr);
    ASSERT_TRUE(ring->enable().ok());
  }
  // Gives the ring one end of a socket pair as the client in `slot`, and returns the other.
  UniqueFd install_client(std::uint32_t slot, int type = SOCK_STREAM) {
    auto [client, browser] = socket_pair(type);
    const Result<RingFile> file = ring->adopt(slot, client);
    EXPECT_TRUE(file.ok());
    clients.insert_or_assign(slot, file.value());
    return std::move(browser);
  }
  static Tag tag(Operation operation, std::uint32_t index = 0) { return Tag{operation, Handle{index, 1}}; }

  std::unique_ptr<Ring> ring;
  std::map<std::uint32_t, RingFile> clients;
  std::optional<Completions> completions;
  Completions& done() {
    if (!completions) completions.emplace(*ring);
    return *completions;
  }
  TemporaryDirectory directory;
};

TEST_P(RingTest, MakesWritesSyncsAndRemovesAFile) {
  const UniqueFd place(::open(directory.file("").c_str(), O_RDONLY | O_DIRECTORY));
  const open_how how{.flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0600, .resolve = 0};
  ring->submit_open(place.get(), "file", how, tag(Operation::kJournalOpen));
  const UniqueFd file(done().result_of(Operation::kJournalOpen));
  ASSERT_TRUE(file);
  const std::string text = "written";
  ring->submit_write(RingFile::regular(file.get()), text, 3, tag(Operation::kJournalWrite));
  EXPECT_EQ(done().result_of(Operation::kJournalWrite), 7);
  for (const int synced : {file.get(), place.get()}) {
    ring->submit_sync(RingFile::regular(synced), tag(Operation::kJournalSync));
    EXPECT_EQ(done().result_of(Operation::kJournalSync), 0);
  }
  char contents[16];
  ASSERT_EQ(pread(file.get(), contents, sizeof contents, 0), 10);
  EXPECT_EQ(std::string_view(contents + 3, 7), text);
  ring->submit_remove(place.get(), "file", tag(Operation::kJournalRemove));
  EXPECT_EQ(done().result_of(Operation::kJournalRemove), 0);
  EXPECT_NE(access(directory.file("file").c_str(), F_OK), 0);
}

TEST_P(RingTest, SendsAndReceivesOverAClientThatIsInItsOwnTable) {
  const UniqueFd browser = install_client(3);
  ring->submit_send(clients.at(3), std::string_view("hello"), tag(Operation::kClientSend));
  EXPECT_EQ(done().result_of(Operation::kClientSend), 5);
  char bytes[16];
  ASSERT_EQ(recv(browser.get(), bytes, sizeof bytes, 0), 5);

  ASSERT_EQ(send(browser.get(), "abc", 3, 0), 3);
  ring->submit_receive(clients.at(3), bytes, tag(Operation::kClientDrain));
  EXPECT_EQ(done().result_of(Operation::kClientDrain), 3);
}

TEST_P(RingTest, NeverWaitsInASendOrAReceive) {
  const UniqueFd browser = install_client(0);
  char bytes[16];
  ring->submit_receive(clients.at(0), bytes, tag(Operation::kClientDrain));
  EXPECT_EQ(done().result_of(Operation::kClientDrain), -EAGAIN);

  const std::string much(1 << 20, 'x');
  std::int32_t sent = 0;
  for (int i = 0; i < 10 && sent >= 0; ++i) {
    ring->submit_send(clients.at(0), much, tag(Operation::kClientSend));
    sent = done().result_of(Operation::kClientSend);
  }
  EXPECT_EQ(sent, -EAGAIN);
}

TEST_P(RingTest, ReportsAQuietSendWithoutATimerOrAnotherCompletion) {
  const UniqueFd browser = install_client(0);
  ring->submit_quiet_send(clients.at(0), std::string_view("hello"), tag(Operation::kClientSend));
  EXPECT_TRUE(ring->wait(std::nullopt).ok());
  EXPECT_TRUE(ring->dispatch(done()));
  EXPECT_EQ(done().result_of(Operation::kClientSend), 5);
  EXPECT_EQ(read_some(browser.get()), "hello");
}

TEST_P(RingTest, ReportsEachQuietSendOnceWithItsOwnResult) {
  const UniqueFd browser = install_client(0);
  const UniqueFd other_browser = install_client(1);
  UniqueFd gone = install_client(2);
  gone.reset();
  const std::string much(1 << 20, 'x');
  ring->submit_quiet_send(clients.at(0), much, tag(Operation::kClientSend, 1));
  ring->submit_quiet_send(clients.at(1), std::string_view("hello"), tag(Operation::kClientSend, 2));
  ring->submit_quiet_send(clients.at(0), much, tag(Operation::kClientSend, 3));
  ring->submit_quiet_send(clients.at(2), std::string_view("hello"), tag(Operation::kClientSend, 4));
  std::map<std::uint32_t, std::int32_t> results;
  while (results.size() < 4) {
    const Completion completion = done().wait_for(Operation::kClientSend).completion;
    EXPECT_TRUE(results.emplace(completion.tag.slot.index, completion.result).second);
  }
  EXPECT_GT(results[1], 0);
  EXPECT_LT(results[1], 1 << 20) << "a part was taken";
  EXPECT_EQ(results[2], 5);
  EXPECT_EQ(results[3], -EAGAIN);
  EXPECT_EQ(results[4], -EPIPE);
  EXPECT_TRUE(ring->wait(0).ok());
  EXPECT_FALSE(ring->dispatch(done()));
}

TEST_P(RingTest, ReportsAQuietSendBeforeTheClientLeavesWithWhatWasSent) {
  UniqueFd browser = install_client(0);
  ring->submit_poll(clients.at(0), POLLRDHUP, tag(Operation::kClientWatch));
  ring->submit_quiet_send(clients.at(0), std::string_view("all"), tag(Operation::kClientSend));
  EXPECT_TRUE(ring->wait(0).ok());
  EXPECT_EQ(read_some(browser.get()), "all");
  browser.reset();
  EXPECT_TRUE(ring->wait(0).ok());
  struct Order final : CompletionHandler {
    void on_completion(const Completion& completion) override { operations.push_back(completion.tag.operation); }
    std::vector<Operation> operations;
  } order;
  for (int turn = 0; turn < 100 && order.operations.size() < 2; ++turn) {
    ring->dispatch(order);
    EXPECT_TRUE(ring->wait(order.operations.size() < 2 ? 100'000'000 : 0).ok());
  }
  EXPECT_EQ(order.operations, (std::vector{Operation::kClientSend, Operation::kClientWatch}));
}

TEST_P(RingTest, SeesTheClientLeave) {
  UniqueFd browser = install_client(0);
  ring->submit_poll(clients.at(0), POLLRDHUP, tag(Operation::kClientWatch));
  browser.reset();
  EXPECT_NE(done().result_of(Operation::kClientWatch) & POLLRDHUP, 0);
}

TEST_P(RingTest, ShutsDownAndCloses) {
  const UniqueFd browser = install_client(0);
  ring->submit_shutdown_write(clients.at(0), tag(Operation::kClientShutdown));
  EXPECT_EQ(done().result_of(Operation::kClientShutdown), 0);
  EXPECT_EQ(read_to_end(browser.get()), "");
  EXPECT_EQ(send(browser.get(), "x", 1, MSG_NOSIGNAL), 1) << "only one direction is shut";
  ring->submit_close(clients.at(0), tag(Operation::kClientClose));
  EXPECT_EQ(done().result_of(Operation::kClientClose), 0);
  EXPECT_EQ(send(browser.get(), "x", 1, MSG_NOSIGNAL), -1);
}

TEST_P(RingTest, ShutsDownAlsoWhenTheProcessHasNoDescriptorLeft) {
  const UniqueFd browser = install_client(0);
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  rlimit none = limit;
  none.rlim_cur = 0;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  ring->submit_shutdown_write(clients.at(0), tag(Operation::kClientShutdown));
  const std::int32_t result = done().result_of(Operation::kClientShutdown);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(result, 0);
  EXPECT_EQ(read_to_end(browser.get()), "");
}

TEST_P(RingTest, ShutsManyDownInOneTurn) {
  std::vector<UniqueFd> browsers;
  constexpr std::uint32_t kClients = 8;
  for (std::uint32_t slot = 0; slot < kClients; ++slot) browsers.push_back(install_client(slot));
  constexpr std::uint32_t kRounds = 10;
  for (std::uint32_t i = 0; i < kRounds * kClients; ++i) {
    ring->submit_shutdown_write(clients.at(i % kClients), tag(Operation::kClientShutdown, i));
  }
  for (std::uint32_t i = 0; i < kRounds * kClients; ++i) EXPECT_EQ(done().result_of(Operation::kClientShutdown), 0);
  for (const UniqueFd& browser : browsers) EXPECT_EQ(read_to_end(browser.get()), "");
}

TEST_P(RingTest, CountsWhatAPeerHasNotTaken) {
  const UniqueFd browser = install_client(0);
  const std::string bytes = "hello";
  ring->submit_send(clients.at(0), bytes, tag(Operation::kClientSend));
  EXPECT_EQ(done().result_of(Operation::kClientSend), 5);
  ring->submit_count_unacknowledged(clients.at(0), tag(Operation::kClientUnacknowledged));
  EXPECT_GT(done().result_of(Operation::kClientUnacknowledged), 0);
  EXPECT_EQ(read_some(browser.get()), bytes);
  ring->submit_count_unacknowledged(clients.at(0), tag(Operation::kClientUnacknowledged));
  EXPECT_EQ(done().result_of(Operation::kClientUnacknowledged), 0);
}

TEST_P(RingTest, CountsForManyClientsInOneTurn) {
  const UniqueFd browser = install_client(0);
  constexpr std::uint32_t kTimes = 100;
  for (std::uint32_t i = 0; i < kTimes; ++i) {
    ring->submit_count_unacknowledged(clients.at(0), tag(Operation::kClientUnacknowledged, i));
  }
  for (std::uint32_t i = 0; i < kTimes; ++i) EXPECT_EQ(done().result_of(Operation::kClientUnacknowledged), 0);
}

TEST_P(RingTest, LooksForAMessageWithoutWaiting) {
  const UniqueFd apache = install_client(0, SOCK_SEQPACKET);
  iovec length{nullptr, kOptions.receive_bytes};
  msghdr message{};
  message.msg_iov = &length;
  message.msg_iovlen = 1;
  ring->submit_receive_message(clients.at(0), message, false, tag(Operation::kHandoffReceive));
  EXPECT_EQ(done().result_of(Operation::kHandoffReceive), -EAGAIN);
  ASSERT_TRUE(send_message(apache.get(), "late", {}));
  ring->submit_receive_message(clients.at(0), message, false, tag(Operation::kHandoffReceive));
  EXPECT_EQ(done().result_of(Operation::kHandoffReceive), 4);
}

TEST_P(RingTest, CancelsWhatIsInFlight) {
  const UniqueFd browser = install_client(0);
  ring->submit_poll(clients.at(0), POLLRDHUP, tag(Operation::kClientWatch));
  ring->submit_cancel(tag(Operation::kClientWatch));
  EXPECT_EQ(done().result_of(Operation::kClientWatch), -ECANCELED);
}

TEST_P(RingTest, HandsOutNoCompletionOfACancellationNorOfACloseWithoutAnOwner) {
  const UniqueFd closed = install_client(0);
  const UniqueFd browser = install_client(1);
  ring->submit_cancel(tag(Operation::kClientWatch));  // fails, because there is none
  ring->submit_close(clients.at(0), Tag{});
  ring->submit_close(clients.at(0), Tag{});  // fails, because it is closed already
  ring->submit_send(clients.at(1), std::string_view("hello"), tag(Operation::kClientSend));
  EXPECT_EQ(done().result_of(Operation::kClientSend), 5) << "the handler checks that nothing else was handed out";
  EXPECT_EQ(read_to_end(closed.get()), "");
}

TEST_P(RingTest, HandsOutNoCompletionOfAFilesOperationWithoutAnOwner) {
  const UniqueFd place(::open(directory.file("").c_str(), O_RDONLY | O_DIRECTORY));
  ring->submit_remove(place.get(), "none", Tag{});
  ring->submit_sync(RingFile::regular(place.get()), Tag{});
  ring->submit_sync(RingFile::regular(place.get()), tag(Operation::kJournalSync));
  EXPECT_EQ(done().result_of(Operation::kJournalSync), 0) << "the handler checks that nothing else was handed out";
  EXPECT_TRUE(ring->wait(100'000'000).ok());
  ring->dispatch(done());
}

TEST_P(RingTest, CompletesEachOperationOnANegativeDescriptorWithEbadf) {
  const RingFile none = RingFile::regular(-1);
  char bytes[16];
  struct statx status {};
  iovec length{nullptr, kOptions.receive_bytes};
  msghdr message{};
  message.msg_iov = &length;
  message.msg_iovlen = 1;
  const sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(1), .sin_addr = {}, .sin_zero = {}};
  const auto& name = reinterpret_cast<const sockaddr&>(address);
  const std::vector<std::function<void(Tag)>> operations{
      [&](Tag tag) { ring->submit_accept(none, tag); },
      [&](Tag tag) { ring->submit_receive_message(none, message, true, tag); },
      [&](Tag tag) { ring->submit_receive_message(none, message, false, tag); },
      [&](Tag tag) { ring->submit_connect(none, name, sizeof address, tag); },
      [&](Tag tag) { ring->submit_receive_stream(none, tag); },
      [&](Tag tag) { ring->submit_receive_available(none, tag); },
      [&](Tag tag) { ring->submit_send(none, std::string_view("hello"), tag); },
      [&](Tag tag) { ring->submit_quiet_send(none, std::string_view("hello"), tag); },
      [&](Tag tag) { ring->submit_receive(none, bytes, tag); },
      [&](Tag tag) { ring->submit_read(none, bytes, 0, tag); },
      [&](Tag tag) { ring->submit_read(none, bytes, Ring::kFromPosition, tag); },
      [&](Tag tag) { ring->submit_write(none, std::string_view("hello"), 0, tag); },
      [&](Tag tag) { ring->submit_sync(none, tag); },
      [&](Tag tag) { ring->submit_file_status(none, status, tag); },
      [&](Tag tag) { ring->submit_poll(none, POLLIN, tag); },
      [&](Tag tag) { ring->submit_shutdown_write(none, tag); },
      [&](Tag tag) { ring->submit_count_unacknowledged(none, tag); },
      [&](Tag tag) { ring->submit_close(none, tag); },
  };
  for (std::size_t i = 0; i < operations.size(); ++i) {
    operations[i](tag(Operation::kUpstreamReady));
    const Completion completion = done().wait_for(Operation::kUpstreamReady).completion;
    EXPECT_EQ(completion.result, -EBADF) << "operation " << i;
    EXPECT_FALSE(completion.more) << "operation " << i;
  }
}

// As a child does that was started and has not executed its program yet.
TEST_P(RingTest, TakesNoEventOfAClosedFileThatAnotherProcessKeepsOpenForAFileWithItsNumber) {
  auto [closed, its_browser] = socket_pair(SOCK_STREAM);
  auto [present, browser] = socket_pair(SOCK_STREAM);
  const RingFile file = RingFile::regular(closed.get());
  ring->submit_poll(file, POLLRDHUP, tag(Operation::kUpstreamReady, 1));
  ASSERT_TRUE(ring->wait(0).ok());
  const UniqueFd kept_open(dup(closed.get()));
  ring->submit_cancel(tag(Operation::kUpstreamReady, 1));
  ASSERT_EQ(dup2(present.get(), closed.get()), closed.get());
  ring->submit_poll(file, POLLRDHUP, tag(Operation::kClientWatch, 2));
  EXPECT_EQ(done().result_of(Operation::kUpstreamReady), -ECANCELED);
  its_browser.reset();
  for (int turn = 0; turn < 3; ++turn) {
    ASSERT_TRUE(ring->wait(0).ok());
    ring->dispatch(done());
  }
  ring->submit_cancel(tag(Operation::kClientWatch, 2));
  EXPECT_EQ(done().result_of(Operation::kClientWatch), -ECANCELED) << "it has seen no event before";
}

TEST_P(RingTest, AcceptsAConnectionForEachOperationIntoSlotsBehindTheClients) {
  const std::string path = directory.file("s");
  const UniqueFd listener = listen_at(path);
  for (int i = 0; i < 2; ++i) ring->submit_accept(RingFile::regular(listener.get()), tag(Operation::kAccept));
  const UniqueFd first = connect_to(path), second = connect_to(path);
  for (int i = 0; i < 2; ++i) {
    const Completion accepted = done().wait_for(Operation::kAccept).completion;
    if (GetParam().direct_files) {
      EXPECT_GE(accepted.result, 8);
      EXPECT_LT(accepted.result, 12);
    }
    EXPECT_FALSE(accepted.more);
  }
}

TEST_P(RingTest, SharesAListenerWithAnotherRingOfWhichEachGetsWhatTheOtherDoesNotWaitFor) {
  const std::string path = directory.file("s");
  const UniqueFd listener = listen_at(path);
  const RingFile file = RingFile::regular(listener.get());
  const std::unique_ptr<Ring> other = make_ring(GetParam());
  ASSERT_TRUE(other->enable().ok());
  Completions theirs(*other);
  for (int round = 0; round < 3; ++round) {
    ring->submit_accept(file, tag(Operation::kAccept));
    other->submit_accept(file, tag(Operation::kAccept));
    for (Ring* each : {ring.get(), other.get()}) EXPECT_TRUE(each->wait(0).ok());
    ring->submit_cancel(tag(Operation::kAccept));
    EXPECT_EQ(done().result_of(Operation::kAccept), -ECANCELED);
    const UniqueFd first = connect_to(path);
    const std::int32_t accepted = theirs.result_of(Operation::kAccept);
    ASSERT_GE(accepted, 0);
    other->submit_close(other->file_of(accepted), Tag{});
    EXPECT_TRUE(other->wait(0).ok());
    other->dispatch(theirs);

    ring->submit_accept(file, tag(Operation::kAccept));
    const UniqueFd second = connect_to(path);
    const std::int32_t own = done().result_of(Operation::kAccept);
    ASSERT_GE(own, 0);
    ring->submit_close(ring->file_of(own), Tag{});
  }
}

TEST_P(RingTest, ReceivesAMessageWithItsDescriptorsIntoABufferOfTheRing) {
  const UniqueFd apache = install_client(0, SOCK_SEQPACKET);
  alignas(cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
  iovec length{nullptr, kOptions.receive_bytes};
  msghdr message{};
  message.msg_iov = &length;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ring->submit_receive_message(clients.at(0), message, true, tag(Operation::kHandoffReceive));
  ASSERT_TRUE(ring->wait(0).ok());
  const int passed[] = {apache.get()};
  ASSERT_TRUE(send_message(apache.get(), "payload", passed));

  const Completions::Seen seen = done().wait_for(Operation::kHandoffReceive);
  EXPECT_EQ(seen.bytes, "payload");
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  ASSERT_NE(header, nullptr);
  EXPECT_EQ(header->cmsg_len, CMSG_LEN(sizeof(int)));
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  EXPECT_EQ(close(fd), 0);
}

TEST_P(RingTest, UsesEachReceiveBufferAgainAndAgain) {
  const UniqueFd apache = install_client(0, SOCK_SEQPACKET);
  iovec length{nullptr, kOptions.receive_bytes};
  for (int i = 0; i < 20; ++i) {
    msghdr message{};
    message.msg_iov = &length;
    message.msg_iovlen = 1;
    ring->submit_receive_message(clients.at(0), message, true, tag(Operation::kHandoffReceive));
    const std::string payload(1000, static_cast<char>('a' + i));
    ASSERT_TRUE(send_message(apache.get(), payload, {}));
    ASSERT_EQ(done().wait_for(Operation::kHandoffReceive).bytes, payload);
  }
}

TEST_P(RingTest, ReceivesAStreamPieceByPieceToItsEnd) {
  const UniqueFd server = install_client(0);
  ring->submit_receive_stream(clients.at(0), tag(Operation::kUpstreamReceive));
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(send(server.get(), "piece", 5, 0), 5);
    const Completions::Seen seen = done().wait_for(Operation::kUpstreamReceive);
    ASSERT_TRUE(seen.completion.more);
    ASSERT_EQ(seen.bytes, "piece");
  }
  shutdown(server.get(), SHUT_WR);
  const Completions::Seen end = done().wait_for(Operation::kUpstreamReceive);
  EXPECT_EQ(end.completion.result, 0);
  EXPECT_FALSE(end.completion.more);
}

TEST_P(RingTest, ReceivesWhatIsThereIntoABufferOfItsOwnAndNeverWaits) {
  const UniqueFd browser = install_client(0);
  const auto receive = [this] {
    ring->submit_receive_available(clients.at(0), tag(Operation::kClientReceive));
    return done().wait_for(Operation::kClientReceive);
  };
  EXPECT_EQ(receive().completion.result, -EAGAIN);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(send(browser.get(), "piece", 5, 0), 5);
    EXPECT_EQ(receive().bytes, "piece");
  }
  shutdown(browser.get(), SHUT_WR);
  EXPECT_EQ(receive().completion.result, 0);
}

TEST_P(RingTest, StopsReceivingAStreamWhenItsBuffersAreUsedUpAndLosesNothing) {
  const UniqueFd server = install_client(0);
  const std::string much(1000, 'x');
  ASSERT_EQ(send(server.get(), much.data(), much.size(), 0), 1000);
  std::string got;
  while (got.size() < much.size()) {
    ring->submit_receive_stream(clients.at(0), tag(Operation::kUpstreamReceive));
    for (bool more = true; more && got.size() < much.size();) {
      const Completions::Seen seen = done().wait_for(Operation::kUpstreamReceive);
      ASSERT_TRUE(seen.completion.result > 0 || seen.completion.result == -ENOBUFS) << seen.completion.result;
      more = seen.completion.more;
      got += seen.bytes;
    }
  }
  EXPECT_EQ(got, much);
}

TEST_P(RingTest, CancelsAStreamThatIsBeingReceived) {
  const UniqueFd server = install_client(0);
  ring->submit_receive_stream(clients.at(0), tag(Operation::kUpstreamReceive));
  ring->submit_cancel(tag(Operation::kUpstreamReceive));
  const Completions::Seen seen = done().wait_for(Operation::kUpstreamReceive);
  EXPECT_EQ(seen.completion.result, -ECANCELED);
  EXPECT_FALSE(seen.completion.more);
}

TEST_P(RingTest, Connects) {
  const UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto& generic = reinterpret_cast<sockaddr&>(address);
  ASSERT_EQ(bind(listener.get(), &generic, length), 0);
  ASSERT_EQ(getsockname(listener.get(), &generic, &length), 0);
  const auto connect = [&] {
    const UniqueFd fd(::socket(AF_INET, SOCK_STREAM, 0));
    ring->submit_connect(RingFile::regular(fd.get()), generic, length, tag(Operation::kUpstreamConnect));
    return done().result_of(Operation::kUpstreamConnect);
  };
  EXPECT_EQ(connect(), -ECONNREFUSED);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  EXPECT_EQ(connect(), 0);
}

TEST_P(RingTest, PassesAFileToAnotherThreadsRing) {
  const UniqueFd browser = install_client(2);
  std::unique_ptr<Ring> other = make_ring(GetParam());
  std::atomic<bool> enabled{false};
  std::int32_t arrived = -1;
  std::thread worker([&] {
    EXPECT_TRUE(other->enable().ok());
    enabled = true;
    Completions theirs(*other);
    arrived = theirs.result_of(Operation::kConnectionArrived);
    const RingFile file = other->file_of(arrived);
    other->submit_send(file, std::string_view("from the other"), tag(Operation::kClientSend));
    EXPECT_EQ(theirs.result_of(Operation::kClientSend), 14);
    other->submit_close(file, tag(Operation::kClientClose));
    EXPECT_EQ(theirs.result_of(Operation::kClientClose), 0);
  });
  while (!enabled) std::this_thread::yield();
  ring->submit_pass_file(clients.at(2), other->number(), tag(Operation::kConnectionArrived),
                         tag(Operation::kConnectionPassed));
  EXPECT_GE(done().result_of(Operation::kConnectionPassed), 0);
  if (clients.at(2).is_direct()) {
    ring->submit_close(clients.at(2), tag(Operation::kClientClose));
    EXPECT_EQ(done().result_of(Operation::kClientClose), 0);
  }
  worker.join();
  EXPECT_EQ(read_to_end(browser.get()), "from the other");
}

TEST_P(RingTest, TakesMoreOperationsInOneTurnThanItsQueueHolds) {
  const UniqueFd browser = install_client(0);
  constexpr int kMany = 10'000;
  struct Counter final : CompletionHandler {
    void on_completion(const Completion&) override { ++completed; }
    int completed = 0;
  } counter;
  for (int i = 0; i < kMany; ++i) ring->submit_poll(clients.at(0), POLLOUT, tag(Operation::kClientWritable));
  for (int round = 0; round < 100 && counter.completed < kMany; ++round) {
    ASSERT_TRUE(ring->wait(100'000'000).ok());
    ring->dispatch(counter);
  }
  EXPECT_EQ(counter.completed, kMany);
}

TEST(UringRing, RefusesATableBeyondTheLimitOfOpenFilesAndSaysWhatToDo) {
  if (!has_uring()) GTEST_SKIP() << "io_uring is not available here";
  const Result<std::unique_ptr<Ring>> ring_too_large = UringRing::create(
      {.client_files = 1u << 19, .connection_files = 1u << 19, .receive_buffers = 2, .receive_bytes = 1000});
  ASSERT_FALSE(ring_too_large.ok());
  EXPECT_NE(ring_too_large.error().message.find("limit of open files"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(, RingTest, testing::ValuesIn(ring_kinds_of_this_kernel()), name_of_ring_kind);

TEST(UringUnavailable, NamesWhatStandsInTheWay) {
  EXPECT_NE(uring_unavailable(ENOSYS).message.find("Linux 6.1 or later"), std::string::npos);
  EXPECT_NE(uring_unavailable(EINVAL).message.find("too old"), std::string::npos);
  EXPECT_NE(uring_unavailable(ENOMEM).message.find("LimitMEMLOCK"), std::string::npos);
  const std::string not_permitted = uring_unavailable(EPERM).message;
  EXPECT_TRUE(not_permitted.find("seccomp") != std::string::npos ||
              not_permitted.find("kernel.io_uring_disabled") != std::string::npos)
      << not_permitted;
}

}  // namespace
}  // namespace streaming
