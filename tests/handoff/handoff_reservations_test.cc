// SPDX-License-Identifier: Apache-2.0
// Hand-offs in two messages: a reservation, and then its client.

#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "handoff/limits.h"
#include "handoff/receiver_fixture.h"
#include "support/payload_memfd.h"

namespace streaming {
namespace {

const std::string kReservation(handoff_protocol::kReservationPart.begin(), handoff_protocol::kReservationPart.end());
const std::string kNothing(1, '\0');  // in place of a payload

class ReservationTest : public ReceiverFixture {
 protected:
  // A place is kept, and the connection waits for the client.
  void reserve(std::string payload = R"({"prompt":"hi"})") {
    connect();
    arrive(kReservation + payload, {});
    EXPECT_EQ(reply(), relay_only ? R"(A{"relay":true})" : "A");
    EXPECT_EQ(places, 1);
  }
  // The peer closes: the kernel reports it twice.
  void leave() {
    arrive("", {});
    arrive("", {});
  }
  void arrive_with(std::string payload, UniqueFd descriptor) {
    std::vector<UniqueFd> descriptors;
    descriptors.push_back(std::move(descriptor));
    arrive(std::move(payload), std::move(descriptors));
  }
  void expect_lost(Counter reason) {
    EXPECT_TRUE(closed());
    EXPECT_EQ(places, 0);
    EXPECT_EQ(load.assigned, 0u);
    EXPECT_EQ(counters.get(reason), 1u);
    EXPECT_TRUE(clients.empty());
  }
};

// --- The reservation ------------------------------------------------------------------------------------------------

TEST_F(ReservationTest, KeepsThePlaceUntilTheClientComes) {
  reserve();
  EXPECT_EQ(load.assigned, 1u);
  EXPECT_EQ(load.unread, 0u);
  EXPECT_FALSE(closed());
  arrive_with_client(tls_part() + kNothing);
  EXPECT_EQ(reply(), "A");
  EXPECT_TRUE(closed());
  EXPECT_EQ(prompts, std::vector<std::string>{"hi"});
  EXPECT_TRUE(clients.back().connection);
  EXPECT_EQ(load.assigned, 1u) << "it is the stream's now";
  EXPECT_EQ(places, 0);
}

TEST_F(ReservationTest, MayHaveItsPayloadInAMemfd) {
  connect();
  arrive_with(kReservation + kNothing, payload_memfd(R"({"prompt":"from a memfd"})"));
  EXPECT_EQ(reply(), "A");
  arrive_with_client(tls_part() + kNothing);
  EXPECT_EQ(reply(), "A");
  EXPECT_EQ(prompts, std::vector<std::string>{"from a memfd"});
}

TEST_F(ReservationTest, IsRefusedBeforeThereIsAClient) {
  refusal = Refusal{429, "later", 7};
  connect();
  arrive(kReservation + "{}", {});
  EXPECT_EQ(reply().substr(0, 33), R"(R{"status":429,"retry_after":7,"c)");
  EXPECT_TRUE(closed()) << "there is no client to keep until the peer has read it";
  EXPECT_EQ(load.assigned, 0u);
  EXPECT_EQ(counters.get(Counter::kRefusedUser), 1u);
  EXPECT_EQ(counters.get(Counter::kReservations), 0u);
}

TEST_F(ReservationTest, HasTheChecksOfEveryHandOff) {
  const auto status_of = [this](std::string payload, std::vector<UniqueFd> descriptors, int flags) {
    connect();
    arrive(kReservation + std::move(payload), std::move(descriptors), flags);
    return reply().substr(0, 14);
  };
  EXPECT_EQ(status_of("[]", {}, 0), R"(R{"status":400)");
  EXPECT_EQ(status_of("{}", {}, MSG_TRUNC), R"(R{"status":413)");
  EXPECT_EQ(status_of("{}", {}, MSG_CTRUNC), R"(R{"status":503)") << "the memfd found no room";
  std::vector<UniqueFd> unsealed;
  unsealed.push_back(payload_memfd("{}", 0));
  EXPECT_EQ(status_of(kNothing, std::move(unsealed), 0), R"(R{"status":400)");
  receiver.set_limits({kReceiveTimeout, 1 << 20, {33}, {}});
  sender = ucred{1, 1000, 1000};
  EXPECT_EQ(status_of("{}", {}, 0), R"(R{"status":403)");
  EXPECT_EQ(places, 0);
  EXPECT_TRUE(receiver.idle());
}

TEST_F(ReservationTest, BringsNoClient) {
  auto [client, browser] = socket_pair();
  connect();
  arrive_with(kReservation + "{}", std::move(client));
  EXPECT_EQ(reply().substr(0, 14), R"(R{"status":400)") << "the descriptor is taken for a payload's";
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
}

TEST_F(ReservationTest, IsRefusedOverTheLimitOfReservations) {
  for (std::uint32_t i = 0; i < kMaxReservations + 1; ++i) connect();
  for (std::uint32_t i = 0; i < kMaxReservations; ++i) {
    arrive(kReservation + "{}", {});
    EXPECT_EQ(reply(), "A");
  }
  arrive(kReservation + "{}", {});
  EXPECT_EQ(reply().substr(0, 14), R"(R{"status":503)");
  EXPECT_EQ(places, static_cast<int>(kMaxReservations));
}

TEST_F(ReservationTest, IsRefusedOnASocketOfTypeStream) {
  receiver.set_socket_type(SOCK_STREAM);
  connect();
  arrive_with_client(kReservation + "{}");
  EXPECT_EQ(reply().substr(0, 14), R"(R{"status":400)");
  EXPECT_TRUE(closed()) << "its client is Apache's";
  EXPECT_TRUE(answered.empty());
  EXPECT_EQ(places, 0);

  connect();
  arrive(kReservation + "{}", {});
  EXPECT_EQ(counters.get(Counter::kHandoffsInvalid), 1u) << "closed, as every message without a client there";
  EXPECT_TRUE(receiver.idle());
}

// --- The client -----------------------------------------------------------------------------------------------------

TEST_F(ReservationTest, TakesAClientWhoseAnswerApacheRelays) {
  relay_only = true;
  reserve();
  arrive_with_client(kNothing);
  EXPECT_EQ(reply(), "A");
  EXPECT_EQ(clients.back().transport, Transport::kRelayed);
}

TEST_F(ReservationTest, OfAPlaceForRelaysTakesNoOtherClient) {
  relay_only = true;
  reserve();
  arrive_with_client(tls_part() + kNothing);
  EXPECT_EQ(reply().substr(0, 14), R"(R{"status":400)");
  EXPECT_EQ(places, 0);
  ring.complete(Operation::kHandoffVerdict, POLLHUP | POLLRDHUP);
  EXPECT_TRUE(closed());
}

TEST_F(ReservationTest, GivesThePlaceToOthersBeforeApacheHasReadThatTheClientIsRefused) {
  reserve();
  refusal = Refusal{503, "no descriptors", 2};
  arrive_with_client(tls_part() + kNothing);
  EXPECT_EQ(places, 0);
  EXPECT_EQ(reply().substr(0, 14), R"(R{"status":503)");
  EXPECT_FALSE(closed());
  ring.complete(Operation::kHandoffVerdict, POLLERR | POLLHUP);
  EXPECT_EQ(answered, std::vector<int>{503}) << "the peer has closed without having read the refusal";
  EXPECT_TRUE(closed());
}

TEST_F(ReservationTest, DoesNotAnswerAClientWhosePeerMayStillReadTheRefusal) {
  reserve();
  refusal = Refusal{503, "no descriptors", 2};
  arrive_with_client(tls_part() + kNothing);
  reply();
  pass(kReplyTimeout);
  ring.complete_cancelled();
  EXPECT_TRUE(closed());
  EXPECT_TRUE(answered.empty());
}

TEST_F(ReservationTest, RefusesAClientThatBringsAPayloadOrAPartThatIsNotUnderstood) {
  std::string malformed = tls_part() + kNothing;
  malformed[3] = 5;
  for (const std::string& message : {tls_part() + "{}", tls_part(), malformed, std::string(R"({"prompt":"x"})"),
                                     kReservation + kNothing}) {
    connect();
    arrive(kReservation + "{}", {});
    reply();
    arrive_with_client(message);
    EXPECT_EQ(reply().substr(0, 14), R"(R{"status":400)");
    EXPECT_EQ(places, 0);
    if (!receiver.idle()) ring.complete(Operation::kHandoffVerdict, POLLHUP | POLLRDHUP);
    EXPECT_TRUE(receiver.idle());
  }
  EXPECT_TRUE(clients.empty());
}

TEST_F(ReservationTest, ChecksWhoSendsTheClientToo) {
  receiver.set_limits({kReceiveTimeout, 1 << 20, {33}, {}});
  sender = ucred{1, 33, 33};
  reserve();
  sender = ucred{1, 1000, 1000};
  arrive_with_client(tls_part() + kNothing);
  EXPECT_EQ(reply().substr(0, 14), R"(R{"status":403)");
  EXPECT_EQ(places, 0);
}

// --- No client ------------------------------------------------------------------------------------------------------

TEST_F(ReservationTest, EndsWithThePeersEndOfFile) {
  reserve();
  leave();
  expect_lost(Counter::kReservationsClosed);
}

TEST_F(ReservationTest, FindsAClientThatTheKernelHasQueuedBehindAnEndOfFile) {
  connect();
  arrive("", {});
  arrive(kReservation + "{}", {});
  EXPECT_EQ(reply(), "A");
  arrive("", {});
  EXPECT_EQ(places, 1) << "each message may be behind an end of file";
  arrive_with_client(tls_part() + kNothing);
  EXPECT_EQ(reply(), "A");
  EXPECT_EQ(clients.size(), 1u);
}

TEST_F(ReservationTest, EndsWithASecondMessageThatBringsNoClient) {
  reserve();
  arrive(tls_part() + kNothing, {});
  expect_lost(Counter::kReservationsInvalid);
}

TEST_F(ReservationTest, EndsWithAnotherReservation) {
  reserve();
  arrive(kReservation + "{}", {});
  expect_lost(Counter::kReservationsInvalid);
}

TEST_F(ReservationTest, EndsIfItsPeerHasLeftBeforeItIsAccepted) {
  connect();
  arrive(kReservation + "{}", {});
  EXPECT_EQ(places, 1);
  ring.complete(Operation::kHandoffReply, -EPIPE);
  expect_lost(Counter::kReservationsClosed);
}

TEST_F(ReservationTest, EndsAfterItsTimeUnlessTheClientIsThereByThen) {
  reserve();
  pass(kReservationTimeout - Duration(1));
  EXPECT_TRUE(ring.cancelled.empty());
  pass(Duration(1));
  ring.complete_cancelled();
  pass(Duration(0));
  EXPECT_FALSE(ring.find(Operation::kHandoffReceive).waits);
  ring.complete(Operation::kHandoffReceive, -EAGAIN);
  expect_lost(Counter::kReservationsTimedOut);

  reserve();
  pass(kReservationTimeout);
  ring.complete_cancelled();
  pass(Duration(0));
  arrive_with_client(tls_part() + kNothing);
  EXPECT_EQ(reply(), "A");
  EXPECT_EQ(clients.size(), 1u);
}

TEST_F(ReservationTest, IsNotOneOfTheSilentConnectionsThatMakeRoomForOthers) {
  reserve();
  pass(kSilentAfter);
  for (std::uint32_t i = 0; i < kMaxSilentConnections; ++i) connect();
  pass(kSilentAfter);
  EXPECT_TRUE(ring.cancelled.empty());
}

TEST_F(ReservationTest, TriesAgainWhatTheKernelHasNoMemoryFor) {
  connect();
  arrive(kReservation + "{}", {});
  ring.complete(Operation::kHandoffReply, -ENOMEM);
  pass(kHandoffRetryPause);
  EXPECT_EQ(reply(), "A");
  ring.complete(Operation::kHandoffReceive, -ENOBUFS);
  pass(Duration(0));
  arrive_with_client(tls_part() + kNothing);
  EXPECT_EQ(reply(), "A");
  EXPECT_EQ(clients.size(), 1u);
}

TEST_F(ReservationTest, IsGivenUpWhenTheWorkerStopsWhateverItWaitsFor) {
  reserve();  // for the client
  receiver.stop();
  ring.complete_cancelled();
  expect_lost(Counter::kReservationsTimedOut);
}

TEST_F(ReservationTest, IsGivenUpWhenTheWorkerStopsBeforeItIsAccepted) {
  connect();
  arrive(kReservation + "{}", {});
  receiver.stop();
  ring.complete_cancelled();
  expect_lost(Counter::kReservationsTimedOut);
}

TEST_F(ReservationTest, IsGivenUpWhenTheWorkerStopsWhileItWaitsForMemory) {
  connect();
  arrive(kReservation + "{}", {});
  ring.complete(Operation::kHandoffReply, -ENOMEM);
  receiver.stop();
  expect_lost(Counter::kReservationsTimedOut);
}

TEST_F(ReservationTest, IsRefusedWhenTheWorkerHasStopped) {
  connect();
  receiver.stop();
  arrive(kReservation + "{}", {});
  EXPECT_EQ(reply().substr(0, 14), R"(R{"status":503)");
  EXPECT_TRUE(closed());
  EXPECT_EQ(places, 0);
}

// --- Any order ------------------------------------------------------------------------------------------------------

// Connections whose peers and whose kernel do anything, in any order.
class AnyOrderTest : public ReservationTest {
 protected:
  void step() {
    switch (number(15)) {
      case 0:
        return connect();
      case 1:
        return pass(kHandoffRetryPause);
      case 2:
        return pass(Duration(number(8000)));
      case 3:
        return ring.complete_cancelled();
      case 4:
        relay_only = number(2) == 0;
        return;
      case 5:
        room_for_refusals = number(4) != 0;
        refusal = number(3) == 0 ? std::optional(Refusal{503, "full", 1}) : std::nullopt;
        return;
      case 6:
      case 7:
        return complete(Operation::kHandoffReply, {1, 1, 1, -EPIPE, -ENOMEM});
      case 8:
        return complete(Operation::kHandoffVerdict, {POLLHUP, POLLERR | POLLHUP, POLLRDHUP, -ENOMEM});
      case 9:
        return complete(Operation::kHandoffReceive, {-ENOBUFS, -ENOMEM, -ECONNRESET});
      default:
        return message();
    }
  }

  void message() {
    if (ring.count(Operation::kHandoffReceive) == 0) return;
    switch (number(6)) {
      case 0:
        return arrive("", {});
      case 1:
        return arrive("{}", {});
      case 2:
        return arrive_with_client(kNothing);
      case 3:
        return arrive_with_client(tls_part() + kNothing);
      default:
        return arrive(kReservation + "{}", {});
    }
  }

  void complete(Operation operation, std::vector<int> results) {
    if (ring.count(operation) > 0) ring.complete(operation, results[number(results.size())]);
  }

  // The worker ends.
  void finish() {
    receiver.stop();
    for (int turn = 0; turn < 1000 && !receiver.idle(); ++turn) {
      ring.complete_cancelled();
      complete(Operation::kHandoffReply, {1});
      complete(Operation::kHandoffVerdict, {POLLHUP});
      if (ring.count(Operation::kHandoffReceive) > 0 && !ring.find(Operation::kHandoffReceive).waits) {
        ring.complete(Operation::kHandoffReceive, -EAGAIN);
      }
      pass(kHandoffRetryPause);
    }
  }

  std::size_t number(std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); }

  std::mt19937 random;
  std::size_t streams = 0;  // clients that were taken, refused ones among them
};

TEST_F(AnyOrderTest, ReturnsEachPlaceAndEachAssignmentOnce) {
  constexpr unsigned kRuns = 500;
  constexpr int kSteps = 100;
  for (unsigned run = 0; run < kRuns; ++run) {
    random.seed(run);
    for (int i = 0; i < kSteps; ++i) {
      step();
      streams += clients.size();
      clients.clear();
    }
  }
  finish();
  EXPECT_TRUE(receiver.idle());
  EXPECT_EQ(places, 0);
  EXPECT_EQ(held, 0);
  EXPECT_GT(started, 0);
  EXPECT_GT(given_back, 0);
  EXPECT_EQ(load.assigned, streams);
  EXPECT_EQ(load.unread, 0u);
  EXPECT_EQ(counters.get(Counter::kConnections), ring.closed.size());
  for (const Counter counter : {Counter::kReservations, Counter::kReservationsClosed, Counter::kReservationsTimedOut,
                                Counter::kReservationsInvalid, Counter::kHandoffsOverflown}) {
    EXPECT_GT(counters.get(counter), 0u) << "every way is gone: " << static_cast<int>(counter);
  }
}

}  // namespace
}  // namespace streaming
