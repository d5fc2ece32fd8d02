// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/reservation.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "protocol/connection_part.h"
#include "tests/mod_socket_handoff/temporary_directory.h"
#include "tests/mod_socket_handoff/unix_listener.h"

namespace socket_handoff {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLong{20'000};  // an upper bound that a passing test never reaches
constexpr milliseconds kShort{20};     // passes in vain

const std::string kReservation(reinterpret_cast<const char*>(handoff_protocol::kReservationPart.data()),
                               handoff_protocol::kReservationPart.size());
constexpr char kRefusal[] = R"(R{"status":429,"retry_after":7,"connection":2})";
constexpr std::string_view kPart = "\x01the connection";

void answer(const UniqueDescriptor& module, std::string_view text) {
  EXPECT_EQ(::send(module.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
}

void wait_for_message(const UniqueDescriptor& module) {
  pollfd poll = {.fd = module.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&poll, 1, static_cast<int>(kLong.count())), 1);
}

// Also true of a module that has left a message unread.
void wait_until_closed(const UniqueDescriptor& module) {
  char ignored;
  EXPECT_LE(::recv(module.get(), &ignored, 1, 0), 0);
}

// A module, and daemons that do with its connection what the test says.
class ReservationTest : public testing::Test {
 protected:
  using Script = std::function<void(UniqueDescriptor& module)>;

  // Plays each script to the next connection of its listener while `module` runs.
  void play(std::vector<Script> scripts, const std::function<void()>& module) {
    std::thread daemons([&] {
      for (std::size_t i = 0; i < scripts.size(); ++i) {
        UniqueDescriptor connection = listeners[i].accept();
        scripts[i](connection);
      }
    });
    module();
    daemons.join();
  }

  Reservation reserve_place(const Payload& payload, milliseconds answer_timeout = kLong) {
    candidates.clear();
    for (const std::string& path : paths) candidates.push_back({.path = path.c_str()});
    const DeliveryLimits limits{.rules = rules,
                                .schedule = RetrySchedule(milliseconds(100), 0),
                                .send_timeout = kLong,
                                .answer_timeout = answer_timeout,
                                .key_users = key_users};
    return reserve(sockets, payload, with_keys, candidates, limits);
  }
  Reservation reserve_place(milliseconds answer_timeout = kLong) {
    return reserve_place({.front = "{", .rest = "}"}, answer_timeout);
  }

  // What becomes of a client whose second message meets `script`.
  Delivery hand_over_to(const Script& script) {
    Delivery delivery;
    play({[&](UniqueDescriptor& module) {
           receive_handoff(module.get());
           answer(module, "A");
           script(module);
         }},
         [&] {
           Reservation reservation = reserve_place();
           ASSERT_TRUE(reservation);
           delivery = relayed ? reservation.hand_over_relayed(STDERR_FILENO)
                              : reservation.hand_over(STDERR_FILENO, kPart);
           EXPECT_FALSE(reservation);
         });
    return delivery;
  }

  TemporaryDirectory directory;
  const std::string allowed = directory.string();
  const char* const prefixes[1] = {allowed.c_str()};
  SocketRules rules{.allowed_prefixes = prefixes};
  std::vector<std::string> paths{directory / "daemon.sock"};
  std::vector<UnixListener> listeners;
  std::vector<Candidate> candidates;
  std::vector<uid_t> key_users;
  bool with_keys = true;
  bool relayed = false;
  AcknowledgedSockets acknowledged;
  SocketMemory sockets{.known = {}, .acknowledged = acknowledged};
};

// --- The first message ----------------------------------------------------------------------------------------------

class FirstMessageTest : public ReservationTest {
 protected:
  FirstMessageTest() { listeners.emplace_back(paths[0], SOCK_SEQPACKET); }

  static Script answering(std::string_view text) {
    return [text](UniqueDescriptor& module) {
      receive_handoff(module.get());
      answer(module, text);
      wait_until_closed(module);
    };
  }
};

TEST_F(FirstMessageTest, BringsThePayloadAndNoClient) {
  play({[](UniqueDescriptor& module) {
         const ReceivedHandoff received = receive_handoff(module.get());
         EXPECT_EQ(received.payload, kReservation + "{}");
         EXPECT_TRUE(received.descriptors.empty());
         answer(module, "A");
       }},
       [&] {
         const Reservation reservation = reserve_place();
         EXPECT_TRUE(reservation);
         EXPECT_FALSE(reservation.is_relay_only());
         EXPECT_EQ(candidates[0].state, Candidate::State::kConnected);
       });
}

TEST_F(FirstMessageTest, WithoutPayloadEndsWithTheNulByte) {
  play({[](UniqueDescriptor& module) {
         EXPECT_EQ(receive_handoff(module.get()).payload, kReservation + '\0');
         answer(module, "A");
       }},
       [&] { EXPECT_TRUE(reserve_place({.front = {}, .rest = {}})); });
}

TEST_F(FirstMessageTest, LargePayloadGoesInAMemfdThatIsTheOnlyDescriptor) {
  const std::string large(handoff_protocol::kMaxInlinePayloadBytes, 'x');
  play({[&](UniqueDescriptor& module) {
         const ReceivedHandoff received = receive_handoff(module.get());
         EXPECT_EQ(received.payload, kReservation + '\0');
         ASSERT_EQ(received.descriptors.size(), 1);
         struct stat status = {};
         EXPECT_EQ(::fstat(received.descriptors[0].get(), &status), 0);
         EXPECT_EQ(static_cast<std::size_t>(status.st_size), large.size());
         answer(module, "A");
       }},
       [&] { EXPECT_TRUE(reserve_place({.front = {}, .rest = large})); });
}

TEST_F(FirstMessageTest, PlaceMayBeForARelayOnly) {
  play({answering(R"(A{"relay":true})")}, [&] { EXPECT_TRUE(reserve_place().is_relay_only()); });
}

TEST_F(FirstMessageTest, RefusalIsTheClientsUnlessTheNextDaemonKeepsAPlace) {
  paths.push_back(directory / "other.sock");
  listeners.emplace_back(paths[1], SOCK_SEQPACKET);
  play({answering(kRefusal), answering("A")}, [&] {
    EXPECT_TRUE(reserve_place());
    EXPECT_EQ(candidates[0].state, Candidate::State::kRefused);
    EXPECT_EQ(candidates[0].status, 429);
    EXPECT_EQ(candidates[0].retry_after_seconds, 7);
    EXPECT_EQ(candidates[1].state, Candidate::State::kConnected);
  });
  play({answering(kRefusal), answering(R"(R{"status":503,"connection":2})")}, [&] {
    EXPECT_FALSE(reserve_place());
    EXPECT_EQ(&decisive(candidates), &candidates[1]);
    EXPECT_EQ(find_relaying(candidates), nullptr);
  });
}

TEST_F(FirstMessageTest, DaemonThatHasNotReadItIsNotOfAnOlderGeneration) {
  play({wait_for_message}, [&] {
    EXPECT_FALSE(reserve_place());
    EXPECT_EQ(candidates[0].state, Candidate::State::kClosedUnanswered);
    EXPECT_EQ(find_relaying(candidates), nullptr);
  });
}

// Each answers as a daemon that knows no reservations does. None is asked twice.
class OlderGenerationTest : public FirstMessageTest {
 protected:
  void expect_relay(const Script& daemon, milliseconds answer_timeout = kLong) {
    play({daemon}, [&] {
      EXPECT_FALSE(reserve_place(answer_timeout));
      EXPECT_EQ(find_relaying(candidates), &candidates[0]);
      EXPECT_EQ(candidates[0].relay_reason, RelayReason::kNoReservations);
    });
    EXPECT_FALSE(reserve_place());
    EXPECT_EQ(find_relaying(candidates), &candidates[0]);
    EXPECT_FALSE(listeners[0].was_connected_to());
    EXPECT_FALSE(sockets.older_generation.contains(paths[0].c_str()));  // it may know keys
  }
};

TEST_F(OlderGenerationTest, RefusalWithAnOlderConnectionPart) {
  expect_relay(answering(R"(R{"status":400,"connection":1})"));
}

TEST_F(OlderGenerationTest, RefusalWithoutAConnectionPart) {
  expect_relay(answering(R"(R{"status":400})"));
}

TEST_F(OlderGenerationTest, NoAnswerToAMessageThatWasRead) {
  expect_relay([](UniqueDescriptor& module) { receive_handoff(module.get()); });
}

TEST_F(OlderGenerationTest, AnswerThatIsNone) {
  expect_relay(answering("HTTP/1.1 200 OK"));
}

TEST_F(OlderGenerationTest, Silence) {
  expect_relay(
      [](UniqueDescriptor& module) {
        receive_handoff(module.get());
        wait_until_closed(module);
      },
      kShort);
}

TEST_F(ReservationTest, DaemonOnAStreamSocketIsNotAskedForAPlace) {
  listeners.emplace_back(paths[0], SOCK_STREAM);
  rules.stream_sockets = StreamSockets::kAllowed;
  EXPECT_FALSE(reserve_place());
  EXPECT_EQ(candidates[0].relay_reason, RelayReason::kStreamSocket);
}

// The tests' user listens: it owns the socket unless root gives the file away.
TEST_F(ReservationTest, UsersWhoMayNotHaveKeysKeepPlacesForClientsWithoutKeysOnly) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can listen as another user";
  constexpr uid_t kDaemon = 12'345;
  ASSERT_EQ(::chmod(directory.string().c_str(), 0777), 0);
  ASSERT_EQ(::seteuid(kDaemon), 0);
  listeners.emplace_back(paths[0], SOCK_SEQPACKET);
  ASSERT_EQ(::seteuid(0), 0);
  ASSERT_EQ(::chown(paths[0].c_str(), 12'346, 0), 0);

  EXPECT_FALSE(reserve_place());
  EXPECT_EQ(candidates[0].relay_reason, RelayReason::kUntrustedUser);
  EXPECT_EQ(receive_handoff(listeners[0].accept().get()).payload, "");

  const auto keep_place = [](UniqueDescriptor& module) {
    receive_handoff(module.get());
    answer(module, "A");
  };
  key_users = {kDaemon};
  play({keep_place}, [&] { EXPECT_TRUE(reserve_place()); });
  key_users = {};
  with_keys = false;
  play({keep_place}, [&] { EXPECT_TRUE(reserve_place()); });
}

// --- The second message ---------------------------------------------------------------------------------------------

class SecondMessageTest : public ReservationTest {
 protected:
  SecondMessageTest() { listeners.emplace_back(paths[0], SOCK_SEQPACKET); }
};

TEST_F(SecondMessageTest, BringsTheClientAndItsConnection) {
  const Delivery delivery = hand_over_to([](UniqueDescriptor& module) {
    const ReceivedHandoff received = receive_handoff(module.get());
    EXPECT_EQ(received.payload, std::string(kPart) + '\0');
    EXPECT_EQ(received.descriptors.size(), 1);
    answer(module, "A");
    wait_until_closed(module);
  });
  EXPECT_EQ(delivery.end, Delivery::End::kTaken);
  EXPECT_EQ(delivery.taker, &candidates[0]);
}

TEST_F(SecondMessageTest, OfARelayHasNoConnectionPart) {
  relayed = true;
  const Delivery delivery = hand_over_to([](UniqueDescriptor& module) {
    const ReceivedHandoff received = receive_handoff(module.get());
    EXPECT_EQ(received.payload, std::string(1, '\0'));
    EXPECT_EQ(received.descriptors.size(), 1);
    answer(module, "A");
  });
  EXPECT_EQ(delivery.end, Delivery::End::kTaken);
}

TEST_F(SecondMessageTest, MayBeSentByAnotherThreadWhileTheFirstOneWaits) {
  play({[](UniqueDescriptor& module) {
         receive_handoff(module.get());
         answer(module, "A");
         EXPECT_EQ(receive_handoff(module.get()).descriptors.size(), 1);
         answer(module, "A");
       }},
       [&] {
         Reservation reservation = reserve_place();
         Delivery delivery;
         std::thread owner([&] { delivery = reservation.hand_over(STDERR_FILENO, kPart); });
         owner.join();
         EXPECT_EQ(delivery.end, Delivery::End::kTaken);
       });
}

TEST_F(SecondMessageTest, RefusedClientIsApaches) {
  const Delivery delivery = hand_over_to([](UniqueDescriptor& module) {
    receive_handoff(module.get());
    answer(module, kRefusal);
    wait_until_closed(module);
  });
  EXPECT_EQ(delivery.end, Delivery::End::kNotTaken);
  EXPECT_EQ(candidates[0].state, Candidate::State::kRefused);
  EXPECT_EQ(candidates[0].status, 429);
  EXPECT_EQ(candidates[0].retry_after_seconds, 7);
}

TEST_F(SecondMessageTest, ClientOfADaemonThatHasClosedBeforeIsApaches) {
  Reservation reservation;
  play({[](UniqueDescriptor& module) {
         receive_handoff(module.get());
         answer(module, "A");
       }},
       [&] { reservation = reserve_place(); });
  EXPECT_EQ(reservation.hand_over(STDERR_FILENO, kPart).end, Delivery::End::kNotTaken);
  EXPECT_EQ(candidates[0].state, Candidate::State::kSendFailed);
  EXPECT_EQ(candidates[0].error, EPIPE);
}

TEST_F(SecondMessageTest, ClientOfADaemonThatClosesBeforeItHasReadItIsApaches) {
  const Delivery delivery = hand_over_to(wait_for_message);
  EXPECT_EQ(delivery.end, Delivery::End::kNotTaken);
  EXPECT_EQ(candidates[0].state, Candidate::State::kClosedUnanswered);
}

TEST_F(SecondMessageTest, ClientOfADaemonThatReadsItAndClosesIsLost) {
  const Delivery delivery = hand_over_to([](UniqueDescriptor& module) { receive_handoff(module.get()); });
  EXPECT_EQ(delivery.end, Delivery::End::kWithoutAnswer);
  EXPECT_EQ(delivery.taker, &candidates[0]);
}

TEST_F(SecondMessageTest, RelayedClientOfADaemonThatReadsItAndClosesIsApaches) {
  relayed = true;
  const Delivery delivery = hand_over_to([](UniqueDescriptor& module) { receive_handoff(module.get()); });
  EXPECT_EQ(delivery.end, Delivery::End::kNotTaken);
  EXPECT_EQ(candidates[0].state, Candidate::State::kClosedUnanswered);
}

TEST_F(SecondMessageTest, ClientOfADaemonThatDoesNotAnswerInTimeIsLost) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  const UniqueDescriptor daemon(ends[0]);
  Candidate candidate;
  Reservation reservation(UniqueDescriptor(ends[1]), candidate, false, kShort);
  EXPECT_EQ(reservation.hand_over(STDERR_FILENO, kPart).end, Delivery::End::kWithoutAnswer);
}

TEST_F(SecondMessageTest, ClientOfADaemonWhoseAnswerIsNoneIsLost) {
  const Delivery delivery = hand_over_to([](UniqueDescriptor& module) {
    receive_handoff(module.get());
    answer(module, "OK");
    wait_until_closed(module);
  });
  EXPECT_EQ(delivery.end, Delivery::End::kWithoutAnswer);
}

TEST_F(SecondMessageTest, IsNotSentIfTheReservationIsDropped) {
  play({[](UniqueDescriptor& module) {
         receive_handoff(module.get());
         answer(module, "A");
         EXPECT_EQ(receive_handoff(module.get()).payload, "");
       }},
       [&] { EXPECT_TRUE(reserve_place()); });
}

}  // namespace
}  // namespace socket_handoff
