// SPDX-License-Identifier: Apache-2.0
// Hand-offs in two messages, between the module's Reservation and the daemon.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>

#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/daemon_process.h"
#include "support/http2_browser.h"
#include "support/mock_answer.h"
#include "support/module.h"
#include "support/patience.h"

namespace streaming {
namespace {

using socket_handoff::Candidate;
using socket_handoff::Delivery;
using socket_handoff::Reservation;
using testing::HasSubstr;
using testing::StartsWith;

Delivery::End hand_over(Reservation& reservation, Http2Browser& browser) {
  const UniqueFd client = browser.leave_apache();
  return reservation.hand_over(client.get(), browser.part()).end;
}

class Reservations : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(daemon.ready()) << daemon.log(); }

  void expect_whole_answer(Http2Browser& browser) {
    browser.read_answer();
    EXPECT_THAT(browser.http2.body(), HasSubstr("You said: hi"));
    EXPECT_TRUE(browser.http2.is_whole()) << browser.http2.error();
  }

  DaemonProcess daemon{{"--delay", "1", "--workers", "2"}};
  Module module{daemon};
};

TEST_F(Reservations, BecomeTheAnswersOfTheirClients) {
  for (const bool over_tls : {true, false}) {
    Http2Browser browser(over_tls);
    Reservation reservation = module.reserve();
    ASSERT_TRUE(reservation);
    EXPECT_FALSE(reservation.is_relay_only());
    EXPECT_EQ(hand_over(reservation, browser), Delivery::End::kTaken);
    expect_whole_answer(browser);
  }
  EXPECT_TRUE(daemon.logs("transport=h2c status=200 cause=completed")) << daemon.log();
}

TEST_F(Reservations, MayHaveTheirPayloadInAMemfd) {
  Http2Browser browser(true);
  const std::string payload = "{\"prompt\":\"hi\",\"padding\":\"" + std::string(300'000, 'p') + "\"}";
  Reservation reservation = module.reserve(payload);
  ASSERT_TRUE(reservation);
  EXPECT_EQ(hand_over(reservation, browser), Delivery::End::kTaken);
  expect_whole_answer(browser);
}

TEST_F(Reservations, MayEndInARelay) {
  Reservation reservation = module.reserve();
  auto [daemons_end, apaches_end] = socket_pair();
  EXPECT_EQ(reservation.hand_over_relayed(daemons_end.get()).end, Delivery::End::kTaken);
  daemons_end.reset();
  EXPECT_TRUE(is_whole(read_to_end(apaches_end.get())));
}

TEST_F(Reservations, AreRefusedWithTheStatusOfEveryHandOff) {
  EXPECT_FALSE(module.reserve(R"({"backend":"nonsense"})"));
  EXPECT_EQ(module.candidate().state, Candidate::State::kRefused);
  EXPECT_EQ(module.candidate().status, 400);
  EXPECT_FALSE(module.reserve("[]"));
  EXPECT_EQ(module.candidate().status, 400);
}

TEST_F(Reservations, BeginAndFollowKeptAnswersOnWhicheverWorker) {
  for (int i = 0; i < 6; ++i) {
    Http2Browser browser(i % 2 == 0);
    Reservation reservation = module.reserve(R"({"prompt":"hi","answer_id":"a","user_id":"u"})");
    ASSERT_TRUE(reservation);
    EXPECT_EQ(hand_over(reservation, browser), Delivery::End::kTaken);
    expect_whole_answer(browser);
    EXPECT_THAT(browser.http2.body(), HasSubstr("id: 19\ndata: [DONE]\n\n"));
  }
  EXPECT_TRUE(daemon.logs("answer a is asked for again")) << daemon.log();
  EXPECT_FALSE(module.reserve(R"({"action":"follow","answer_id":"a","user_id":"v"})"));
  EXPECT_EQ(module.candidate().status, 403);

  Http2Browser browser(true);
  Reservation unknown = module.reserve(R"({"action":"follow","answer_id":"none"})");
  ASSERT_TRUE(unknown);
  EXPECT_EQ(hand_over(unknown, browser), Delivery::End::kTaken);
  browser.read_answer();
  EXPECT_EQ(browser.http2.header(":status"), "204");
  EXPECT_TRUE(browser.http2.is_whole()) << browser.http2.error();
}

TEST_F(Reservations, GetTheBackendOfTheirTimeAlsoAfterAReload) {
  Http2Browser browser(true);
  Reservation reservation = module.reserve();
  daemon.write_config("[backend]\nprovider = \"hold\"\n");
  daemon.signal(SIGHUP);
  ASSERT_TRUE(daemon.logs("reload: backend.provider has changed")) << daemon.log();
  EXPECT_EQ(hand_over(reservation, browser), Delivery::End::kTaken);
  expect_whole_answer(browser);
}

TEST_F(Reservations, KeepADaemonThatDrainsUntilTheirClientsHaveTheirAnswers) {
  Http2Browser browser(true);
  Reservation reservation = module.reserve();
  daemon.signal(SIGTERM);
  ASSERT_TRUE(daemon.logs("accepting no more")) << daemon.log();
  EXPECT_EQ(hand_over(reservation, browser), Delivery::End::kTaken);
  expect_whole_answer(browser);
  browser.close();
  EXPECT_EQ(daemon.exit_status(), 0);
}

TEST_F(Reservations, LeaveTheirClientsToApacheIfTheDaemonDies) {
  Http2Browser browser(true);
  Reservation reservation = module.reserve();
  daemon.signal(SIGKILL);
  daemon.exit_status();
  EXPECT_EQ(hand_over(reservation, browser), Delivery::End::kNotTaken);
}

TEST(ReservationsAtTheEnd, DoNotHoldADaemonWhoseTimeIsUp) {
  DaemonProcess daemon({"--shutdown-timeout-ms", "50"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  Module module(daemon);
  const Reservation reservation = module.reserve();
  ASSERT_TRUE(reservation);
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_THAT(daemon.log(), HasSubstr("the client of a reservation did not come"));
}

TEST_F(Reservations, TellBrowsersApartByTheBeginningsOfTheirNames) {
  std::vector<Reservation> reservations;
  for (int i = 0; i < 5; ++i) {
    const std::string browser = std::string(600, 'b') + std::to_string(i);
    reservations.push_back(module.reserve(R"({"prompt":"hi","apache":{"browser":")" + browser + R"("}})"));
    ASSERT_TRUE(reservations.back());
    EXPECT_EQ(reservations.back().is_relay_only(), i == 4) << "four connections of a browser may leave Apache";
  }
}

TEST(ReservationsOverTheBudget, AreRefusedWhateverTheyAreToDo) {
  DaemonProcess daemon({"--max-payload-bytes", "100000", "--max-held-bytes", "200000"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  Module module(daemon);
  for (const char* const action : {"ask", "follow"}) {
    const std::string members = std::string(R"("answer_id":"a","action":")") + action + R"(","padding":")";
    EXPECT_FALSE(module.reserve("{" + members + std::string(99'000, 'p') + "\"}")) << action;
    EXPECT_EQ(module.candidate().status, 503) << action;
    EXPECT_TRUE(module.reserve("{" + members + "\"}")) << action;
  }
}

TEST(ReservationsOfOnePlace, TakeItFromOthersAndGiveItBack) {
  DaemonProcess daemon({"--delay", "1", "--workers", "1", "--max-connections", "1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  Module module(daemon);
  {
    const Reservation reservation = module.reserve();
    ASSERT_TRUE(reservation);
    EXPECT_FALSE(module.reserve());
    EXPECT_EQ(module.candidate().status, 503);
    EXPECT_GT(module.candidate().retry_after_seconds, 0);
  }
  EXPECT_TRUE(eventually([&] { return static_cast<bool>(module.reserve()); })) << "the daemon has to see the end first";
}

TEST(ReservationsOfOneBrowser, LeaveItConnectionsForPages) {
  DaemonProcess daemon({"--workers", "2"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  Module module(daemon);
  const auto reserve_for = [&module](const std::string& client, const std::string& browser) {
    return module.reserve(R"({"backend":"hold","apache":{"client":")" + client + R"(","browser":")" + browser + "\"}}");
  };
  std::vector<std::unique_ptr<Http2Browser>> answers;
  for (int i = 0; i < 4; ++i) {
    Reservation reservation = reserve_for("192.0.2.1", "Mozilla/5.0");
    EXPECT_FALSE(reservation.is_relay_only());
    answers.push_back(std::make_unique<Http2Browser>(false));
    EXPECT_EQ(hand_over(reservation, *answers.back()), Delivery::End::kTaken);
  }
  EXPECT_TRUE(reserve_for("192.0.2.1", "Mozilla/5.0").is_relay_only());
  EXPECT_FALSE(reserve_for("192.0.2.2", "Mozilla/5.0").is_relay_only());
  EXPECT_FALSE(reserve_for("192.0.2.1", "Mozilla/4.0").is_relay_only());
  EXPECT_FALSE(reserve_for("192.0.2.1", "").is_relay_only()) << "a program may have many connections";
  answers.pop_back();
  EXPECT_TRUE(eventually([&] { return !reserve_for("192.0.2.1", "Mozilla/5.0").is_relay_only(); }))
      << "the daemon has to see the end first";
}

TEST(ReservationsOfPrograms, AreForRelaysOnly) {
  TemporaryDirectory directory;
  const std::string config = directory.file("config.toml");
  std::ofstream(config) << "[backend.exec.commands]\ndefault = [\"/bin/echo\", \"a program\"]\n";
  DaemonProcess daemon({"--backend", "exec", "--config", config});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  Module module(daemon);
  EXPECT_FALSE(module.reserve(R"({"profile":"nonsense"})"));
  EXPECT_EQ(module.candidate().status, 400);
  module.reserve();  // given up: nothing was started
  Reservation reservation = module.reserve();
  ASSERT_TRUE(reservation);
  EXPECT_TRUE(reservation.is_relay_only());
  EXPECT_EQ(daemon.children(), 0u);
  auto [daemons_end, apaches_end] = socket_pair();
  EXPECT_EQ(reservation.hand_over_relayed(daemons_end.get()).end, Delivery::End::kTaken);
  daemons_end.reset();
  EXPECT_THAT(read_to_end(apaches_end.get()), StartsWith("a program"));
  EXPECT_TRUE(daemon.logs("cause=completed")) << daemon.log();
  EXPECT_EQ(daemon.stop(), 0);
}

}  // namespace
}  // namespace streaming
