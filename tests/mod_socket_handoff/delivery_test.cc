// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/delivery.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "tests/mod_socket_handoff/temporary_directory.h"
#include "tests/mod_socket_handoff/unix_listener.h"

namespace socket_handoff {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

TEST(RetrySchedule, PausesDoubleAndFillTheTimeAllowed) {
  constexpr RetrySchedule schedule(milliseconds(700), 3);
  EXPECT_EQ(schedule.pause_before(0), milliseconds(100));
  EXPECT_EQ(schedule.pause_before(1), milliseconds(200));
  EXPECT_EQ(schedule.pause_before(2), milliseconds(400));
}

TEST(RetrySchedule, OneRetryWaitsForTheWholeTime) {
  EXPECT_EQ(RetrySchedule(milliseconds(500), 1).pause_before(0), milliseconds(500));
}

TEST(RetrySchedule, RetriesEndAtTheirNumber) {
  constexpr RetrySchedule none(milliseconds(500), 0);
  EXPECT_FALSE(none.allows_retry(0));
  constexpr RetrySchedule two(milliseconds(500), 2);
  EXPECT_TRUE(two.allows_retry(1));
  EXPECT_FALSE(two.allows_retry(2));
}

TEST(RetrySchedule, LargestSettingsStayWithinTheTimeAllowed) {
  constexpr RetrySchedule schedule(milliseconds(60'000), 20);
  microseconds sum{};
  for (int retry = 0; retry < 20; ++retry) sum += schedule.pause_before(retry);
  EXPECT_LE(sum, microseconds(milliseconds(60'000)));
  EXPECT_GT(sum, microseconds(milliseconds(59'999)));
}

using std::chrono::milliseconds;

constexpr RetrySchedule kNoRetry(milliseconds(100), 0);
constexpr RetrySchedule kQuick(milliseconds(500), 3);        // the last pause is long enough for a busy machine
constexpr RetrySchedule kPatient(milliseconds(20'000), 12);  // an upper bound that a passing test never reaches

class DaemonSearchTest : public testing::Test {
 protected:
  // Which candidate was found first, or -1.
  int search(const RetrySchedule& schedule) {
    DaemonSearch search(sockets, candidates, rules, schedule);
    Candidate* found = search.next(connection);
    return found ? static_cast<int>(found - candidates.data()) : -1;
  }

  TemporaryDirectory directory;
  const std::string allowed = directory.string();
  const char* const prefixes[1] = {allowed.c_str()};
  SocketRules rules{.allowed_prefixes = prefixes};
  const std::string path = directory / "daemon.sock";
  const std::string other = directory / "other.sock";
  std::vector<Candidate> candidates = {{.path = path.c_str()}};
  DaemonConnection connection;
  AcknowledgedSockets acknowledged;
  SocketMemory sockets{.known = {}, .acknowledged = acknowledged};
};

TEST_F(DaemonSearchTest, MissingSocketIsTriedAsOftenAsConfigured) {
  EXPECT_EQ(search(kQuick), -1);
  EXPECT_EQ(candidates[0].error, ENOENT);
  EXPECT_EQ(candidates[0].attempts, 4);
}

TEST_F(DaemonSearchTest, SocketThatNobodyListensOnIsTriedAgain) {
  { const UnixListener gone(path, SOCK_SEQPACKET); }
  EXPECT_EQ(search(kQuick), -1);
  EXPECT_EQ(candidates[0].error, ECONNREFUSED);
  EXPECT_EQ(candidates[0].attempts, 4);
}

TEST_F(DaemonSearchTest, SocketThatWasWaitedForInVainIsAskedOnceAndThenWaitedForAgain) {
  EXPECT_EQ(search(kQuick), -1);
  candidates = {{.path = path.c_str()}};
  EXPECT_EQ(search(kPatient), -1);
  EXPECT_EQ(candidates[0].attempts, 1);

  const Deadline deadline(milliseconds(30'000));
  while (sockets.unreachable.contains(path.c_str())) ASSERT_FALSE(deadline.has_passed());
  candidates = {{.path = path.c_str()}};
  EXPECT_EQ(search(kQuick), -1);
  EXPECT_EQ(candidates[0].attempts, 4);
}

TEST_F(DaemonSearchTest, SocketThatWasWaitedForInVainHoldsNoOtherUp) {
  EXPECT_EQ(search(kQuick), -1);
  candidates = {{.path = path.c_str()}, {.path = other.c_str()}};
  std::optional<UnixListener> listener;
  std::thread daemon([&] { listener.emplace(other, SOCK_SEQPACKET); });
  EXPECT_EQ(search(kPatient), 1);
  daemon.join();
}

TEST_F(DaemonSearchTest, FullBacklogIsTriedAgain) {
  const UnixListener listener(path, SOCK_SEQPACKET, 1);
  std::vector<UniqueDescriptor> waiting;
  while (waiting.size() < 100) {
    candidates = {{.path = path.c_str()}};
    if (search(kNoRetry) < 0) break;
    waiting.push_back(std::move(connection.socket));
  }
  EXPECT_EQ(candidates[0].error, EAGAIN);
  candidates = {{.path = path.c_str()}};
  EXPECT_EQ(search(kQuick), -1);
  EXPECT_EQ(candidates[0].attempts, 4);
}

TEST_F(DaemonSearchTest, DaemonThatAppearsWithinTheTimeIsReached) {
  std::optional<UnixListener> listener;
  std::thread daemon([&] { listener.emplace(path, SOCK_SEQPACKET); });
  EXPECT_EQ(search(kPatient), 0);
  daemon.join();
  EXPECT_TRUE(connection.socket);
}

TEST_F(DaemonSearchTest, RefusedPathIsNotTriedAgain) {
  candidates = {{.path = "/elsewhere/x.sock"}};
  EXPECT_EQ(search(kPatient), -1);
  EXPECT_EQ(candidates[0].problem, PathProblem::kOutsidePrefix);
  EXPECT_EQ(candidates[0].attempts, 1);
}

TEST_F(DaemonSearchTest, SecondSocketIsTriedBeforeTheFirstOneIsTriedAgain) {
  const UnixListener listener(other, SOCK_SEQPACKET);
  candidates.push_back({.path = other.c_str()});
  EXPECT_EQ(search(kPatient), 1);
  EXPECT_EQ(candidates[0].attempts, 1);
}

TEST_F(DaemonSearchTest, EachSocketIsGivenOnce) {
  const UnixListener listener(path, SOCK_SEQPACKET);
  const UnixListener other_listener(other, SOCK_SEQPACKET);
  candidates.push_back({.path = other.c_str()});
  DaemonSearch search(sockets, candidates, rules, kQuick);
  EXPECT_EQ(search.next(connection), &candidates[0]);
  EXPECT_EQ(search.next(connection), &candidates[1]);
  EXPECT_EQ(search.next(connection), nullptr);
}

TEST_F(DaemonSearchTest, SocketThatCannotBeReachedHoldsNoOtherUpWhenTheTimeIsOver) {
  const UnixListener listener(other, SOCK_SEQPACKET);
  candidates.push_back({.path = other.c_str()});
  EXPECT_EQ(search(RetrySchedule(milliseconds(0), 0)), 1);
}

// A daemon that closes without an answer.
const std::string kNoAnswer;

// A daemon that answers what it is sent, in turn.
class DeliveryOfKeysTest : public DaemonSearchTest {
 protected:
  // What became of one hand-off with keys, to daemons that each take one message and give this answer.
  Delivery deliver_keys(std::vector<std::string> answers, std::span<const uid_t> users = {}) {
    std::thread daemons([&] {
      for (std::size_t i = 0; i < answers.size(); ++i) {
        const UniqueDescriptor module = listeners[i].accept();
        messages.push_back(receive_handoff(module.get()).payload);
        if (answers[i] == kNoAnswer) continue;
        EXPECT_EQ(::send(module.get(), answers[i].data(), answers[i].size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(answers[i].size()));
        char end;
        EXPECT_EQ(::recv(module.get(), &end, 1, 0), 0);
      }
    });
    const DeliveryLimits limits{.rules = rules,
                                .schedule = kNoRetry,
                                .send_timeout = milliseconds(20'000),
                                .answer_timeout = milliseconds(20'000),
                                .key_users = users};
    const Delivery delivery =
        deliver(sockets, STDERR_FILENO, {.connection_part = "\x01keys", .front = "{", .rest = "}"}, candidates, limits);
    daemons.join();
    return delivery;
  }

  std::vector<UnixListener> listeners;
  std::vector<std::string> messages;
};

TEST_F(DeliveryOfKeysTest, DaemonThatKnowsThemGetsThem) {
  listeners.emplace_back(path, SOCK_SEQPACKET);
  EXPECT_EQ(deliver_keys({"A"}).end, Delivery::End::kTaken);
  EXPECT_EQ(messages, std::vector<std::string>{"\x01keys{}"});
  EXPECT_FALSE(sockets.older_generation.contains(path.c_str()));
}

TEST_F(DeliveryOfKeysTest, RefusalByADaemonThatKnowsThemIsARefusal) {
  listeners.emplace_back(path, SOCK_SEQPACKET);
  EXPECT_EQ(deliver_keys({R"(R{"status":429,"connection":1})"}).end, Delivery::End::kNotTaken);
  EXPECT_EQ(candidates[0].state, Candidate::State::kRefused);
  EXPECT_EQ(candidates[0].status, 429);
  EXPECT_EQ(find_relaying(candidates), nullptr);
}

TEST_F(DeliveryOfKeysTest, RefusalByADaemonOfAnOlderGenerationAsksForARelayAndIsRemembered) {
  listeners.emplace_back(path, SOCK_SEQPACKET);
  EXPECT_EQ(deliver_keys({R"(R{"status":400})"}).end, Delivery::End::kNotTaken);
  EXPECT_EQ(candidates[0].relay_reason, RelayReason::kOlderGeneration);
  candidates = {{.path = path.c_str()}};
  EXPECT_EQ(deliver_keys({}).end, Delivery::End::kNotTaken);
  EXPECT_EQ(find_relaying(candidates), &candidates[0]);
  EXPECT_EQ(candidates[0].attempts, 0);
}

TEST_F(DeliveryOfKeysTest, ListsNextDaemonGetsThemIfTheFirstIsOfAnOlderGeneration) {
  candidates.push_back({.path = other.c_str()});
  listeners.emplace_back(path, SOCK_SEQPACKET);
  listeners.emplace_back(other, SOCK_SEQPACKET);
  const Delivery delivery = deliver_keys({R"(R{"status":400})", "A"});
  EXPECT_EQ(delivery.end, Delivery::End::kTaken);
  EXPECT_EQ(delivery.taker, &candidates[1]);
}

TEST_F(DeliveryOfKeysTest, DaemonThatReadsThemAndClosesKeepsTheClientAlsoIfItHasAnsweredBefore) {
  listeners.emplace_back(path, SOCK_SEQPACKET);
  ASSERT_EQ(deliver_keys({"A"}).end, Delivery::End::kTaken);
  candidates = {{.path = path.c_str()}};
  EXPECT_EQ(deliver_keys({kNoAnswer}).end, Delivery::End::kWithoutAnswer);
}

TEST_F(DeliveryOfKeysTest, DaemonOnAStreamSocketIsNotSentThem) {
  listeners.emplace_back(path, SOCK_STREAM);
  rules.stream_sockets = StreamSockets::kAllowed;
  EXPECT_EQ(deliver_keys({}).end, Delivery::End::kNotTaken);
  EXPECT_EQ(candidates[0].relay_reason, RelayReason::kStreamSocket);
}

// The tests' user listens: it owns the socket unless root gives the file away.
TEST_F(DeliveryOfKeysTest, OnlyUsersWhoMayHaveThemGetThem) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can listen as another user";
  constexpr uid_t kDaemon = 12'345;
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_EQ(::chmod(directory.string().c_str(), 0777), 0);
  ASSERT_EQ(::seteuid(kDaemon), 0);
  listeners.emplace_back(path, SOCK_SEQPACKET);
  ASSERT_EQ(::seteuid(0), 0);
  EXPECT_EQ(deliver_keys({"A"}).end, Delivery::End::kTaken);  // it owns its socket

  ASSERT_EQ(::chown(path.c_str(), 12'346, 0), 0);
  candidates = {{.path = path.c_str()}};
  const uid_t another[] = {12'347};
  EXPECT_EQ(deliver_keys({}, another).end, Delivery::End::kNotTaken);
  EXPECT_EQ(candidates[0].relay_reason, RelayReason::kUntrustedUser);
  EXPECT_EQ(receive_handoff(listeners[0].accept().get()).payload, "");

  candidates = {{.path = path.c_str()}};
  const uid_t named[] = {12'347, kDaemon};
  EXPECT_EQ(deliver_keys({"A"}, named).end, Delivery::End::kTaken);
}

}  // namespace
}  // namespace socket_handoff
