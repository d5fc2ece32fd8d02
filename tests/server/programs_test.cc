// SPDX-License-Identifier: Apache-2.0
// The daemon and the real programs that it runs, of which nothing may be left.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <fstream>
#include <string>

#include "protocol/handoff_protocol.h"
#include "support/connection_part.h"
#include "support/daemon_process.h"
#include "support/forbidden_calls.h"
#include "support/payload_memfd.h"
#include "support/tcp_sockets.h"
#include "support/tls_peer.h"

namespace streaming {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

class ProgramsTest : public testing::Test {
 protected:
  // The path of a new program.
  std::string script(const std::string& name, const std::string& body) {
    const std::string path = directory.file(name);
    std::ofstream(path) << "#!/bin/sh\n" << body;
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
    return path;
  }
  std::string config(const std::string& text) {
    const std::string path = directory.file("programs.toml");
    std::ofstream(path) << text;
    return path;
  }

  TemporaryDirectory directory;
};

// The text of the events of `answer`, joined.
std::string text_of(const std::string& answer) {
  static const std::string kBefore = "data: {\"content\":\"", kBehind = "\"}\n\n";
  std::string text;
  for (std::size_t at = answer.find(kBefore); at != std::string::npos; at = answer.find(kBefore, at)) {
    at += kBefore.size();
    text += answer.substr(at, answer.find(kBehind, at) - at);
  }
  return text;
}

TEST_F(ProgramsTest, FortuneSaysWhatIsTyped) {
  const std::string fortune = script("fortune", "echo 'Short and sweet \xE2\x82\xAC'");
  DaemonProcess daemon(
      {"--config",
       config("[backend]\nprovider = \"typing\"\n[backend.typing]\ndelay_ms = 1\nfortune = \"" + fortune + "\"\n")});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::size_t before = daemon.descriptors();
  const std::string answer = read_to_end(daemon.hand_client_over(R"({"prompt":"say something"})").get());
  EXPECT_EQ(text_of(answer), "Short and sweet \xE2\x82\xAC");
  EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n"));
  EXPECT_TRUE(eventually([&] { return daemon.descriptors() <= before; }));
  EXPECT_EQ(daemon.children(), 0u);
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(ProgramsTest, SentencesAreTypedWhereFortuneIsNoUse) {
  const std::string fortune = script("fortune", "exec sleep 3600");
  DaemonProcess daemon(
      {"--backend", "typing", "--config", config("[backend.typing]\ndelay_ms = 1\nfortune = \"" + fortune + "\"\n")});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::vector<UniqueFd> browsers;
  for (int i = 0; i < 20; ++i) browsers.push_back(daemon.hand_client_over("{}"));
  for (const UniqueFd& browser : browsers) {
    const std::string answer = read_to_end(browser.get());
    EXPECT_GT(text_of(answer).size(), 40u) << answer;
    EXPECT_THAT(answer, EndsWith("data: [DONE]\n\n"));
  }
  EXPECT_TRUE(eventually([&] { return daemon.children() == 0; }));
  EXPECT_EQ(daemon.stop(), 0);
}

// --- exec -----------------------------------------------------------------------------------------------------------

class ExecTest : public ProgramsTest {
 protected:
  // A daemon whose program "default" is a shell script with this body.
  std::vector<std::string> flags(const std::string& body, std::vector<std::string> more = {}) {
    const std::string program = script("program", body);
    const std::string path = config("[backend.exec.commands]\ndefault = [\"" + program + "\", \"argument\"]\n" +
                                    "missing = [\"/nonexistent/program\"]\n");
    more.insert(more.begin(), {"--backend", "exec", "--config", path});
    return more;
  }
};

// A program that answers with the arguments and variables that it got.
constexpr const char* kAnswer = R"(printf 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'
echo "$1: $HANDOFF_DATA"
read line && echo "read: $line"
)";

TEST_F(ExecTest, AProgramAnswersTheClientItself) {
  DaemonProcess daemon(flags(kAnswer), [] { setenv("OPENAI_API_KEY", "sk-secret", 1); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::size_t before = daemon.descriptors();
  auto [client, browser] = socket_pair();
  // Non-blocking as Apache leaves it; the daemon must not pass it to a program like that.
  fcntl(client.get(), F_SETFL, O_NONBLOCK);
  const UniqueFd apache = daemon.hand_over(R"({"prompt":"say \"é\"","n":[1,2.5,null]})", {client.get()});
  client.reset();
  EXPECT_EQ(read_to_end(apache.get()), "A");
  ASSERT_EQ(send(browser.get(), "hello\n", 6, 0), 6);
  EXPECT_EQ(read_to_end(browser.get()),
            "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nargument: {\"prompt\":\"say \\\"é\\\"\",\"n\":[1,2.5,null]}\n"
            "read: hello\n");
  EXPECT_TRUE(daemon.logs("profile=default cause=completed status=0"));
  EXPECT_THAT(daemon.log(), testing::ContainsRegex("program ended stream=[0-9]+\\.p[0-9]+\\.[0-9]+ profile=default "));
  EXPECT_TRUE(eventually([&] { return daemon.children() == 0 && daemon.descriptors() <= before; }));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(ExecTest, TheProgramGetsNoKeyOfTheDaemonAndNoDescriptor) {
  DaemonProcess daemon(flags("env; for fd in 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && echo open $fd; done"),
                       [] { setenv("OPENAI_API_KEY", "sk-secret", 1); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string answer = read_to_end(daemon.hand_client_over("{}").get());
  EXPECT_THAT(answer, HasSubstr("HANDOFF_DATA={}\n"));
  EXPECT_THAT(answer, HasSubstr("PATH="));
  EXPECT_THAT(answer, testing::Not(HasSubstr("sk-secret")));
  EXPECT_THAT(answer, testing::Not(HasSubstr("open ")));
}

TEST_F(ExecTest, ALargePayloadComesInAFile) {
  DaemonProcess daemon(flags("wc -c < \"$HANDOFF_DATA_FILE\"; echo \"[$HANDOFF_DATA]\""));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string payload = "{\"prompt\":\"" + std::string(130'000, 'x') + "\u00e9\u00e9\"}";
  const std::string large = "{\"prompt\":\"" + std::string(131'059, 'x') + "\"}";
  EXPECT_THAT(read_to_end(daemon.hand_client_over(payload).get()), EndsWith("xéé\"}]\n"));
  EXPECT_EQ(read_to_end(daemon.hand_client_over(large).get()), std::to_string(large.size()) + "\n[]\n");
}

TEST_F(ExecTest, ProgramsAreNamedByTheConfigurationAlone) {
  DaemonProcess daemon(flags(kAnswer));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  for (const char* profile : {"/bin/sh", "nonsense", "../program"}) {
    const std::string answer =
        read_to_end(daemon.hand_client_over(std::string("{\"profile\":\"") + profile + "\"}").get());
    EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(answer, HasSubstr("there are: default, missing"));
  }
}

TEST_F(ExecTest, AProgramThatCannotBeStartedIsAnAnswerOfItsOwn) {
  DaemonProcess daemon(flags(kAnswer));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::size_t before = daemon.descriptors();
  for (int i = 0; i < 20; ++i) {
    EXPECT_THAT(read_to_end(daemon.hand_client_over(R"({"profile":"missing"})").get()),
                testing::StartsWith("HTTP/1.1 500 "));
  }
  EXPECT_TRUE(daemon.logs("cannot start /nonexistent/program")) << daemon.log();
  EXPECT_TRUE(eventually([&] { return daemon.descriptors() <= before; }));
  EXPECT_EQ(daemon.stop(), 0) << "no place is held";
}

TEST_F(ExecTest, NoProgramRunsIfTheKernelCannotReportItsEnd) {
  DaemonProcess daemon(flags("touch \"$0.ran\"; echo unwatched"), [] { forbid_calls(ENOSYS, {SYS_pidfd_open}); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_THAT(read_to_end(daemon.hand_client_over("{}").get()), testing::StartsWith("HTTP/1.1 500 "));
  EXPECT_TRUE(daemon.logs("pidfd_open() of Linux 5.3")) << daemon.log();
  EXPECT_FALSE(std::filesystem::exists(directory.file("program.ran")));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(ExecTest, ProgramsCountAsStreamsAndAreLimited) {
  DaemonProcess daemon(
      flags("read line; echo \"$line\"", {"--max-connections", "2", "--workers", "1", "--delay", "3600000"}));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd first = daemon.hand_client_over("{}"), second = daemon.hand_client_over(R"({"backend":"mock"})");
  ASSERT_TRUE(eventually([&] { return daemon.children() == 1; }));
  EXPECT_THAT(read_to_end(daemon.hand_client_over("{}").get()), testing::StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(read_to_end(daemon.hand_client_over(R"({"backend":"mock"})").get()),
              testing::StartsWith("HTTP/1.1 503 "));
  ASSERT_EQ(send(first.get(), "end\n", 4, 0), 4);
  EXPECT_EQ(read_to_end(first.get()), "end\n");
  EXPECT_TRUE(eventually([&] {
    const UniqueFd next = daemon.hand_client_over("{}");
    send(next.get(), "x\n", 2, MSG_NOSIGNAL);
    return read_to_end(next.get()) == "x\n";
  })) << "its place is free again";
}

TEST_F(ExecTest, MoreProgramsThanMaxChildrenAreRefusedForNow) {
  const std::string program = script("program", "read line");
  DaemonProcess daemon({"--backend", "exec", "--workers", "2", "--config",
                        config("[backend.exec]\nmax_children = 2\ncommands = { default = [\"" + program + "\"] }\n")});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd first = daemon.hand_client_over("{}"), second = daemon.hand_client_over("{}");
  ASSERT_TRUE(eventually([&] { return daemon.children() == 2; }));
  const std::string answer = read_to_end(daemon.hand_client_over("{}").get());
  EXPECT_THAT(answer, testing::StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("\r\nRetry-After: "));
}

TEST_F(ExecTest, ProgramsCountForTheirUser) {
  DaemonProcess daemon(flags("read line", {"--max-streams-per-user", "1"}));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd first = daemon.hand_client_over(R"({"user_id":7})");
  ASSERT_TRUE(eventually([&] { return daemon.children() == 1; }));
  EXPECT_THAT(read_to_end(daemon.hand_client_over(R"({"user_id":7})").get()), testing::StartsWith("HTTP/1.1 429 "));
}

TEST_F(ExecTest, AProgramThatTakesTooLongIsKilledWithWhatItStarted) {
  DaemonProcess daemon(flags("trap '' TERM; sleep 3600 & sleep 3600", {"--max-stream-duration-ms", "50"}));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_EQ(read_to_end(daemon.hand_client_over("{}").get()), "");
  EXPECT_TRUE(daemon.logs("cause=too_long signal=9"));
  EXPECT_TRUE(eventually([&] { return daemon.children() == 0; }));
}

TEST_F(ExecTest, AShutdownLetsProgramsEndAndThenEndsThem) {
  DaemonProcess daemon(flags("echo begun; exec sleep 3600", {"--shutdown-timeout-ms", "50"}));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd browser = daemon.hand_client_over("{}");
  char byte;
  ASSERT_EQ(recv(browser.get(), &byte, 1, MSG_PEEK), 1);
  daemon.signal(SIGTERM);
  EXPECT_EQ(read_to_end(browser.get()), "begun\n");
  EXPECT_NE(daemon.exit_status(), 0) << "a program was cut";
  EXPECT_THAT(daemon.log(), HasSubstr("cause=shutdown signal=15"));
}

// Processes that the program has started end too; otherwise the client would wait for them.
TEST_F(ExecTest, ASecondSignalEndsProgramsAtOnce) {
  DaemonProcess daemon(flags("trap '' TERM; echo begun; sleep 3600 | sleep 3600"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd browser = daemon.hand_client_over("{}");
  char byte;
  ASSERT_EQ(recv(browser.get(), &byte, 1, MSG_PEEK), 1);
  daemon.signal(SIGTERM);
  ASSERT_TRUE(daemon.logs("a second signal ends at once"));
  daemon.signal(SIGTERM);
  EXPECT_NE(daemon.exit_status(), 0);
  EXPECT_EQ(read_to_end(browser.get()), "begun\n");
}

TEST_F(ExecTest, AClientThatLeavesIsNoFailureOfTheProgram) {
  DaemonProcess daemon(flags("exec yes"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  // It leaves before the program writes: with bytes unread its end would reset the socket, and `yes` would exit by
  // itself.
  auto [client, browser] = socket_pair();
  browser.reset();
  const UniqueFd apache = daemon.hand_over("{}", {client.get()});
  EXPECT_TRUE(daemon.logs("cause=client_gone signal=13")) << daemon.log();
}

TEST_F(ExecTest, RefusesExecAsFallback) {
  DaemonProcess daemon(
      {"--config",
       config("[backend]\nfallback = [\"exec\"]\n[backend.exec]\ncommands = { default = [\"/bin/true\"] }\n")});
  EXPECT_EQ(daemon.exit_status(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("backend.fallback must be a list of some of mock, "));
}

TEST_F(ExecTest, NeedsACommand) {
  DaemonProcess daemon({"--backend", "exec"});
  EXPECT_EQ(daemon.exit_status(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("set backend.exec.commands"));
}

// --- exec for clients over TLS --------------------------------------------------------------------------------------

// A client of OpenSSL, whose handshake was made before the hand-off.
class ExecOverTlsTest : public ExecTest {
 protected:
  UniqueFd hand_over(const DaemonProcess& daemon, std::string_view payload = "{}") {
    auto [client, browser] = tcp_pair();
    apache = daemon.hand_over(connection_part(peer.server_state()) + std::string(payload), {client.get()});
    return std::move(browser);
  }

  // The beginning of what Apache is answered to a client that is refused.
  std::string refusal(const DaemonProcess& daemon, std::string_view payload) {
    const UniqueFd browser = hand_over(daemon, payload);
    return read_some(apache.get()).substr(0, std::string_view(R"(R{"status":400)").size());
  }

  TlsPeer peer;
  UniqueFd apache;  // its connection of the last hand-off
};

TEST_F(ExecOverTlsTest, AProgramAnswersWithoutKnowingOfTls) {
  DaemonProcess daemon(flags(kAnswer));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::size_t before = daemon.descriptors();
  const UniqueFd browser = hand_over(daemon, R"({"prompt":"hi"})");
  EXPECT_EQ(read_to_end(apache.get()), "A");
  // What it sends is dropped, and is no reason to end.
  const std::string ignored = peer.write("hello\n");
  ASSERT_EQ(send(browser.get(), ignored.data(), ignored.size(), 0), static_cast<ssize_t>(ignored.size()));
  const std::string expected = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nargument: {\"prompt\":\"hi\"}\n";
  std::string answer;
  while (answer.size() < expected.size()) answer += peer.read(read_some(browser.get()));
  EXPECT_EQ(answer, expected);
  EXPECT_FALSE(peer.has_clean_end()) << "the program still reads";
  const std::string end = peer.close();
  ASSERT_EQ(send(browser.get(), end.data(), end.size(), 0), static_cast<ssize_t>(end.size()));
  EXPECT_TRUE(daemon.logs("profile=default cause=client_gone status=1")) << "it has read the end of file";
  EXPECT_TRUE(eventually([&] { return daemon.children() == 0 && daemon.descriptors() <= before; }));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(ExecOverTlsTest, AnAnswerIsWholeIfItsProgramHasSucceeded) {
  DaemonProcess daemon(flags("printf 'HTTP/1.1 204 No Content\\r\\n\\r\\n'"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_EQ(peer.read(read_to_end(hand_over(daemon).get())), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_TRUE(peer.has_clean_end());
  EXPECT_TRUE(daemon.logs("profile=default cause=completed status=0"));
  EXPECT_TRUE(daemon.logs("backend=exec transport=tls status=200 cause=completed")) << daemon.log();
}

TEST_F(ExecOverTlsTest, AnAnswerIsCutIfItsProgramHasFailed) {
  for (const char* body : {"echo begun; exit 3", "echo begun; kill -KILL $$"}) {
    DaemonProcess daemon(flags(body));
    ASSERT_TRUE(daemon.ready()) << daemon.log();
    TlsPeer client;
    auto [handed, browser] = tcp_pair();
    daemon.hand_over(connection_part(client.server_state()) + "{}", {handed.get()});
    handed.reset();
    EXPECT_EQ(client.read(read_to_end(browser.get())), "begun\n");
    browser.reset();
    client.end_of_file();
    EXPECT_FALSE(client.has_clean_end()) << body;
    EXPECT_TRUE(daemon.logs("backend=exec transport=tls status=200 cause=program_failed")) << daemon.log();
  }
}

TEST_F(ExecOverTlsTest, AProgramWaitsForAClientThatReadsSlowly) {
  DaemonProcess daemon(flags("yes | head -c 20000000"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd browser = hand_over(daemon);
  std::size_t bytes = peer.read(read_some(browser.get())).size();
  EXPECT_EQ(daemon.children(), 1u);
  bytes += peer.read(read_to_end(browser.get())).size();
  EXPECT_EQ(bytes, 20'000'000u);
  EXPECT_TRUE(peer.has_clean_end());
}

TEST_F(ExecOverTlsTest, AProgramNoticesThatItsClientHasLeft) {
  DaemonProcess daemon(flags("exec yes"));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  hand_over(daemon).reset();
  EXPECT_TRUE(daemon.logs("profile=default cause=client_gone ")) << daemon.log();
  EXPECT_TRUE(daemon.logs("backend=exec transport=tls status=200 cause=client_gone"));
}

TEST_F(ExecOverTlsTest, RefusalsComeBeforeTheClientIsTaken) {
  DaemonProcess daemon(flags(kAnswer, {"--max-connections", "1", "--workers", "1"}));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_EQ(refusal(daemon, R"({"profile":"nonsense"})"), R"(R{"status":400)");
  EXPECT_EQ(refusal(daemon, R"({"profile":"missing"})"), R"(R{"status":500)");
  const UniqueFd browser = hand_over(daemon);
  EXPECT_EQ(read_to_end(apache.get()), "A");
  EXPECT_EQ(refusal(daemon, "{}"), R"(R{"status":503)");
  EXPECT_EQ(daemon.children(), 1u) << "no program starts for a client that finds no place";
}

TEST_F(ExecOverTlsTest, AProgramThatTakesTooLongIsKilledAndItsAnswerCut) {
  DaemonProcess daemon(flags("trap '' TERM; sleep 3600 & sleep 3600", {"--max-stream-duration-ms", "50"}));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_EQ(peer.read(read_to_end(hand_over(daemon).get())), "");
  EXPECT_FALSE(peer.has_clean_end());
  EXPECT_TRUE(daemon.logs("cause=too_long signal=9"));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(ExecOverTlsTest, AShutdownEndsProgramsAndTheirStreams) {
  DaemonProcess daemon(flags("echo begun; exec sleep 3600", {"--shutdown-timeout-ms", "50"}));
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  UniqueFd browser = hand_over(daemon);
  EXPECT_EQ(peer.read(read_some(browser.get())), "begun\n");
  daemon.signal(SIGTERM);
  EXPECT_EQ(peer.read(read_to_end(browser.get())), "");
  browser.reset();
  EXPECT_FALSE(peer.has_clean_end());
  EXPECT_NE(daemon.exit_status(), 0) << "an answer was cut";
  EXPECT_THAT(daemon.log(), HasSubstr("cause=shutdown signal=15"));
}

// The shipped files of exec-examples/.
TEST_F(ProgramsTest, ExamplesAnswerWithAnEventStream) {
  const std::string examples = SOURCE_DIR "/exec-examples/";
  DaemonProcess daemon({"--backend", "exec", "--config",
                        config("[backend.exec]\ncommands = { default = [\"" + examples + "answer.sh\"], python = [\"" +
                               examples + "answer.py\"] }\n")});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const std::string from_shell = read_to_end(daemon.hand_client_over("{}").get());
  EXPECT_THAT(from_shell, testing::StartsWith("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"));
  EXPECT_THAT(from_shell, HasSubstr("\r\n\r\ndata: {\"content\":\"Step 1 of 3 is done.\\n\"}\n\n"));
  EXPECT_THAT(from_shell, EndsWith("data: [DONE]\n\n"));

  // Longer than a variable: the payload is in a file.
  for (const std::string& prompt : {std::string("Hello you"), std::string(200'000, 'x') + " you"}) {
    const std::string payload = "{\"profile\":\"python\",\"prompt\":\"" + prompt + "\"}";
    const bool is_long = payload.size() > handoff_protocol::kMaxInlinePayloadBytes;
    const UniqueFd memfd = is_long ? payload_memfd(payload) : UniqueFd();
    auto [client, browser] = socket_pair();
    if (memfd) {
      daemon.hand_over(std::string_view("", 1), {client.get(), memfd.get()});
    } else {
      daemon.hand_over(payload, {client.get()});
    }
    client.reset();
    const std::string answer = read_to_end(browser.get());
    EXPECT_THAT(answer, HasSubstr("data: {\"content\": \"" + prompt.substr(0, prompt.find(' ')) + " \"}\n\n"));
    EXPECT_THAT(answer, EndsWith("data: {\"content\": \"you \"}\n\ndata: [DONE]\n\n"));
  }
}

}  // namespace
}  // namespace streaming
