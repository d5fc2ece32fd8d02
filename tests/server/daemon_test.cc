// SPDX-License-Identifier: Apache-2.0
// The daemon as users run it: the real program, real sockets, hostile peers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/syscall.h>

#include <algorithm>
#include <string>
#include <vector>

#include "protocol/handoff_protocol.h"
#include "support/daemon_process.h"
#include "support/forbidden_calls.h"
#include "support/mock_answer.h"
#include "support/payload_memfd.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(Daemon, StreamsTheAnswerOfTheMockBackend) {
  DaemonProcess daemon({"--delay", "1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd browser = daemon.hand_client_over(R"({"prompt":"say \"hi\" \u00e9"})");
  const std::string answer = read_to_end(browser.get());
  EXPECT_TRUE(is_whole(answer)) << answer;
  EXPECT_THAT(answer, HasSubstr(R"(data: {"content":"You said: say \"hi\" é "})"));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Daemon, AcknowledgesBeforeTheFirstByte) {
  DaemonProcess daemon({"--delay", "1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  auto [client, browser] = socket_pair();
  const UniqueFd apache = daemon.hand_over("{}", {client.get()});
  EXPECT_EQ(read_to_end(apache.get()), "A");
  client.reset();
  EXPECT_TRUE(is_whole(read_to_end(browser.get())));
}

TEST(Daemon, StreamsToAThousandClientsAtOnceEachWhole) {
  DaemonProcess daemon({"--delay", "20", "--workers", "3", "--benchmark"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::vector<UniqueFd> browsers;
  for (int i = 0; i < 1000; ++i) browsers.push_back(daemon.hand_client_over(R"({"prompt":"hello"})"));
  int whole = 0;
  for (const UniqueFd& browser : browsers) whole += is_whole(read_to_end(browser.get()));
  EXPECT_EQ(whole, 1000);
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_THAT(daemon.output(), testing::ContainsRegex("daemon_streams_total +1000\n"));
  EXPECT_THAT(daemon.output(), testing::ContainsRegex("closed_completed +1000\n"));
  EXPECT_THAT(daemon.output(), testing::ContainsRegex("daemon_chunks_sent_total +18000\n"));
}

// --- Hostile peers --------------------------------------------------------------------------------------------------

TEST(Daemon, AnswersAClientThatCameWithBadJsonWith400) {
  DaemonProcess daemon({});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  for (const std::string& payload :
       {std::string(), std::string("plain text"), std::string(R"({"prompt":"cut)"), std::string(50'000, '['),
        std::string("{\"prompt\":\"\xff\xfe\"}"), std::string("[1,2]"), std::string(R"({"prompt":7})"),
        std::string(R"({"backend":"nonsense"})")}) {
    const std::string answer = read_to_end(daemon.hand_client_over(payload).get());
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
    EXPECT_THAT(answer, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(answer, testing::ContainsRegex("\r\n\r\n\\{\"error\":\".+\"\\}\n$"));
  }
  EXPECT_TRUE(is_whole(read_to_end(daemon.hand_client_over("{}").get())));
}

TEST(Daemon, AnswersAPayloadThatIsTooLargeWith413) {
  DaemonProcess daemon({});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string fits = "{\"prompt\":\"" + std::string(handoff_protocol::kMaxInlinePayloadBytes - 13, 'x') + "\"}";
  ASSERT_EQ(fits.size(), handoff_protocol::kMaxInlinePayloadBytes);
  EXPECT_TRUE(is_whole(read_to_end(daemon.hand_client_over(fits).get())));
  EXPECT_THAT(read_to_end(daemon.hand_client_over(fits + " ").get()), StartsWith("HTTP/1.1 413 "));
}

TEST(Daemon, TakesALargePayloadFromASealedMemfd) {
  DaemonProcess daemon({"--delay", "1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string prompt(900'000, 'p');
  const auto ask = [&](const UniqueFd& file) {
    auto [client, browser] = socket_pair();
    daemon.hand_over(std::string(1, '\0'), {client.get(), file.get()});
    client.reset();
    return read_to_end(browser.get());
  };
  const std::string answer = ask(payload_memfd("{\"prompt\":\"" + prompt + "\"}"));
  EXPECT_TRUE(is_whole(answer)) << answer;
  EXPECT_THAT(answer, HasSubstr("You said: " + prompt.substr(0, 50)));
  EXPECT_THAT(ask(payload_memfd("{}", 0)), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(ask(payload_memfd(std::string(1'100'000, ' '))), StartsWith("HTTP/1.1 413 "));
}

TEST(Daemon, SurvivesGarbageAndLeaksNoDescriptor) {
  DaemonProcess daemon({"--delay", "1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  ASSERT_TRUE(is_whole(read_to_end(daemon.hand_client_over("{}").get())));
  const std::size_t before = daemon.descriptors();

  auto [client, browser] = socket_pair();
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  const UniqueFd reader(pipe_ends[0]), writer(pipe_ends[1]), file(open("/dev/null", O_RDWR));
  const UniqueFd listening(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(listen(listening.get(), 1), 0);
  const std::vector<std::vector<int>> garbage{{},
                                              {client.get(), browser.get()},
                                              std::vector<int>(60, client.get()),
                                              {reader.get()},
                                              {writer.get()},
                                              {file.get()},
                                              {listening.get()}};
  for (int round = 0; round < 100; ++round) {
    for (const std::vector<int>& descriptors : garbage) {
      daemon.hand_over("", descriptors);
      daemon.hand_over("{}", descriptors);
      daemon.hand_over(std::string(1, '\0'), descriptors);
    }
    connect_to(daemon.socket());  // sends nothing and leaves
  }
  browser.reset();  // it does not wait for the answers
  EXPECT_TRUE(eventually([&] { return daemon.descriptors() <= before; })) << daemon.descriptors() << ", not " << before;
  const auto rings_are_empty = [&] {
    const std::vector<std::size_t> files = daemon.ring_files();
    return std::all_of(files.begin(), files.end(), [](std::size_t count) { return count == 0; });
  };
  EXPECT_TRUE(eventually(rings_are_empty)) << testing::PrintToString(daemon.ring_files());
  EXPECT_TRUE(is_whole(read_to_end(daemon.hand_client_over("{}").get())));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Daemon, ServesWhileSilentPeersHoldTheirConnections) {
  DaemonProcess daemon({"--delay", "1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::vector<UniqueFd> silent;
  for (int i = 0; i < 500; ++i) silent.push_back(connect_to(daemon.socket()));
  EXPECT_TRUE(is_whole(read_to_end(daemon.hand_client_over("{}").get())));
  // Their time runs out: each is closed, and nothing was sent.
  for (const UniqueFd& peer : silent) EXPECT_EQ(read_to_end(peer.get()), "");
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Daemon, NoticesAClientThatLeaves) {
  DaemonProcess daemon({"--delay", "3600000"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  daemon.hand_client_over("{}").reset();
  EXPECT_TRUE(eventually([&] { return daemon.log().find("client_gone") != std::string::npos; })) << daemon.log();
}

// --- Full -----------------------------------------------------------------------------------------------------------

TEST(Daemon, AnswersTheClientItselfWhenItIsFullAndApacheDoesNotWait) {
  DaemonProcess daemon({"--max-connections", "2", "--delay", "3600000", "--workers", "2"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd first = daemon.hand_client_over("{}"), second = daemon.hand_client_over("{}");
  for (const UniqueFd* browser : {&first, &second}) read_until(browser->get(), "\r\n\r\n");  // workers accept in any order
  const std::string answer = read_to_end(daemon.hand_client_over("{}").get());
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: "));
}

TEST(Daemon, LeavesTheAnswerToAnApacheThatReadsTheRefusal) {
  DaemonProcess daemon({"--max-connections", "1", "--delay", "3600000"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd first = daemon.hand_client_over("{}");
  read_until(first.get(), "\r\n\r\n");  // workers accept in any order
  auto [client, browser] = socket_pair();
  UniqueFd apache = daemon.hand_over("{}", {client.get()});
  client.reset();
  char refusal[100];
  const ssize_t got = recv(apache.get(), refusal, sizeof refusal, 0);
  ASSERT_GT(got, 0);
  EXPECT_EQ(std::string(refusal, static_cast<std::size_t>(got)), R"(R{"status":503,"retry_after":2,"connection":2})");
  apache.reset();
  EXPECT_EQ(read_to_end(browser.get()), "") << "the client must not hear from two servers";
}

TEST(Daemon, HasRoomAgainWhenAStreamHasEnded) {
  DaemonProcess daemon({"--max-connections", "1", "--delay", "1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(eventually([&] { return is_whole(read_to_end(daemon.hand_client_over("{}").get())); }));
  }
}

// --- Ending ---------------------------------------------------------------------------------------------------------

TEST(Daemon, LetsStreamsEndAtSigterm) {
  DaemonProcess daemon({"--delay", "20"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd browser = daemon.hand_client_over("{}");
  char byte;
  ASSERT_EQ(recv(browser.get(), &byte, 1, MSG_PEEK), 1) << "the stream has begun";
  daemon.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return !connect_to(daemon.socket()); })) << "it accepts no more";
  EXPECT_TRUE(is_whole(read_to_end(browser.get())));
  EXPECT_EQ(daemon.exit_status(), 0);
  EXPECT_FALSE(std::filesystem::exists(daemon.socket()));
}

// Otherwise the table would grow as clients come, and with each growth they would wait for some 10 ms.
TEST(Daemon, HasATableOfDescriptorsForAllItsStreamsFromTheStart) {
  constexpr std::uint64_t kStreams = 5000;
  DaemonProcess daemon({"--max-connections", std::to_string(kStreams)});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::ifstream status("/proc/" + std::to_string(daemon.pid()) + "/status");
  std::uint64_t descriptors = 0;
  for (std::string name; status >> name;) {
    if (name == "FDSize:" && status >> descriptors) break;
  }
  EXPECT_GE(descriptors, kStreams);
}

TEST(Daemon, TellsTheClientsOfStreamsThatItCutsWhenTheTimeIsUp) {
  DaemonProcess daemon({"--delay", "3600000", "--shutdown-timeout-ms", "50"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd browser = daemon.hand_client_over("{}");
  char byte;
  ASSERT_EQ(recv(browser.get(), &byte, 1, MSG_PEEK), 1) << "the stream has begun";
  daemon.signal(SIGTERM);
  const std::string answer = read_to_end(browser.get());
  EXPECT_THAT(answer, EndsWith("data: {\"error\":\"The server is being restarted.\",\"code\":\"shutdown\"}\n\n"));
  EXPECT_NE(daemon.exit_status(), 0) << "a stream was cut";
}

TEST(Daemon, EndsAtOnceAtASecondSignal) {
  DaemonProcess daemon({"--delay", "3600000"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd browser = daemon.hand_client_over("{}");
  char byte;
  ASSERT_EQ(recv(browser.get(), &byte, 1, MSG_PEEK), 1) << "the stream has begun";
  daemon.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return daemon.log().find("signal 15") != std::string::npos; }));
  daemon.signal(SIGTERM);
  EXPECT_NE(daemon.exit_status(), 0);
  EXPECT_THAT(read_to_end(browser.get()), Not(HasSubstr("[DONE]")));
}

TEST(Daemon, EndsAtOnceAtASecondSignalAlsoWhileItLogsWhatEnds) {
  constexpr int kClients = 300;
  DaemonProcess daemon({"--delay", "20", "--workers", "2"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::vector<UniqueFd> browsers;
  for (int i = 0; i < kClients; ++i) browsers.push_back(daemon.hand_client_over("{}"));
  read_to_end(browsers[0].get());  // after it the other answers were sent too, and wait to be read
  daemon.signal(SIGTERM);
  ASSERT_TRUE(daemon.logs("signal 15"));
  daemon.signal(SIGTERM);
  EXPECT_GE(daemon.exit_status(), 0) << "no signal has killed it";
}

TEST(Daemon, EndsAlsoWhenNobodyReadsItsLog) {
  int log[2];
  ASSERT_EQ(pipe2(log, O_CLOEXEC | O_NONBLOCK), 0);
  const UniqueFd reader(log[0]), writer(log[1]);
  const std::string page(4096, 'x');
  while (write(writer.get(), page.data(), page.size()) > 0) {
  }
  ASSERT_EQ(fcntl(writer.get(), F_SETFL, 0), 0) << "it blocks";
  DaemonProcess daemon({"--delay", "0"}, [&] { dup2(writer.get(), STDERR_FILENO); });
  ASSERT_TRUE(eventually([&] { return static_cast<bool>(connect_to(daemon.socket())); }));
  EXPECT_TRUE(is_whole(read_to_end(daemon.hand_client_over("{}").get())));
  EXPECT_EQ(daemon.stop(), 0);
}

// --- Starting -------------------------------------------------------------------------------------------------------

TEST(DaemonStart, TakesEpollAndReportsWhyIfARuleForbidsIoUring) {
  for (const int error : {EPERM, ENOSYS}) {
    for (const unsigned call : {SYS_io_uring_setup, SYS_io_uring_enter, SYS_io_uring_register}) {
      DaemonProcess daemon({"--delay", "0", "--engine", "auto"}, [&] { forbid_calls(error, {call}); });
      ASSERT_TRUE(daemon.ready()) << daemon.log();
      EXPECT_TRUE(is_whole(read_to_end(daemon.hand_client_over("{}").get()))) << daemon.log();
      EXPECT_EQ(daemon.stop(), 0);
      EXPECT_THAT(daemon.log(), HasSubstr("epoll takes the place of io_uring"));
    }
  }
}

// They would be short with epoll too, or be there again at the next start.
TEST(DaemonStart, DoesNotTakeEpollForWantOfMemoryOrDescriptors) {
  for (const int error : {ENOMEM, EMFILE, ENFILE}) {
    DaemonProcess daemon({"--engine", "auto"}, [&] { forbid_calls(error, {SYS_io_uring_setup}); });
    EXPECT_EQ(daemon.exit_status(), 1);
    EXPECT_THAT(daemon.log(), HasSubstr("io_uring is not available"));
    EXPECT_THAT(daemon.log(), Not(HasSubstr("epoll takes the place")));
  }
}

TEST(DaemonStart, SaysWhatForbidsIoUring) {
  DaemonProcess daemon({"--engine", "io_uring"}, [] { forbid_calls(EPERM, {SYS_io_uring_setup}); });
  EXPECT_EQ(daemon.exit_status(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("io_uring is not available"));
  EXPECT_THAT(daemon.log(), testing::AnyOf(HasSubstr("seccomp"), HasSubstr("kernel.io_uring_disabled")));
}

TEST(DaemonStart, ReportsAtTheConfigurationsCheckThatIoUringIsForbidden) {
  DaemonProcess check({"--check-config", "--engine", "io_uring"}, [] { forbid_calls(EPERM, {SYS_io_uring_setup}); });
  EXPECT_EQ(check.exit_status(), 1);
  EXPECT_THAT(check.log(), HasSubstr("io_uring is not available"));
  EXPECT_EQ(check.output(), "");
}

TEST(DaemonStart, SaysWhichKernelIoUringNeeds) {
  DaemonProcess daemon({"--engine", "io_uring"}, [] { forbid_calls(ENOSYS, {SYS_io_uring_setup}); });
  EXPECT_EQ(daemon.exit_status(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("Linux 6.1 or later"));
}

TEST(DaemonStart, NamesTheBackendsThatThereAre) {
  DaemonProcess daemon({"--backend", "nonsense"});
  EXPECT_EQ(daemon.exit_status(), 1);
  EXPECT_THAT(daemon.log(),
              HasSubstr("--backend must be one of mock, openai, anthropic, langgraph, typing, hold, exec, not "
                        "\"nonsense\""));
}

TEST(DaemonStart, RefusesMoreConnectionsThanItCanHold) {
  DaemonProcess daemon({"--max-connections", "9999999", "--workers", "1"});
  EXPECT_EQ(daemon.exit_status(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("max_connections is 9999999"));
}

TEST(DaemonStart, LeavesASocketAloneThatIsInUse) {
  DaemonProcess first({});
  ASSERT_TRUE(first.ready()) << first.log();
  DaemonProcess second({"--socket", first.socket()});
  EXPECT_EQ(second.exit_status(), 1);
  EXPECT_THAT(second.log(), HasSubstr("in use by another process"));
  EXPECT_TRUE(is_whole(read_to_end(first.hand_client_over("{}").get())));
}

}  // namespace
}  // namespace streaming
