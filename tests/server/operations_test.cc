// SPDX-License-Identifier: Apache-2.0
// The daemon under a service manager, and its upgrades.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>

#include "support/connection_part.h"
#include "support/daemon_process.h"
#include "support/forbidden_calls.h"
#include "support/tls_peer.h"
#include "support/upgrade.h"

namespace streaming {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

std::string answer_of(const DaemonProcess& daemon) {
  const UniqueFd browser = daemon.hand_client_over("{}");
  return read_to_end(browser.get());
}

std::string run(const std::string& arguments) {
  std::string output;
  FILE* program = popen(("'" DAEMON "' " + arguments + " 2>&1").c_str(), "r");
  char bytes[4096];
  for (std::size_t got; (got = fread(bytes, 1, sizeof bytes, program)) > 0;) output.append(bytes, got);
  output += "status " + std::to_string(WEXITSTATUS(pclose(program)));
  return output;
}

TEST(CheckConfig, SaysWhatIsWrongAndWhere) {
  TemporaryDirectory directory;
  const std::string path = directory.file("config.toml");
  std::ofstream(path) << "[server]\nworkers = 2\nmax_conections = 3\n";
  EXPECT_EQ(run("--check-config --config " + path),
            "streaming-daemon: " + path +
                ":3: unknown key server.max_conections; did you mean server.max_connections?\nstatus 1");
  std::ofstream(path) << "[response]\nformat = \"xml\"\n";
  EXPECT_THAT(run("--check-config --config " + path),
              HasSubstr(path + ":2: response.format must be one of content, raw, ui-message, not \"xml\"\n"));
  std::ofstream(path) << "[server]\nworkers = 2\n";
  EXPECT_THAT(run("--check-config --config " + path), EndsWith("the settings are valid\nstatus 0"));
}

TEST(CheckConfig, FindsWhatTheStartWouldFail) {
  TemporaryDirectory directory;
  const std::string path = directory.file("config.toml");
  std::ofstream(path) << "[server]\nworkers = 1\n";
  const std::string check = "--check-config --config " + path;
  EXPECT_THAT(run(check + " --max-connections 5000000"),
              AllOf(HasSubstr("max_connections is 5000000, but 1 workers have room for "), EndsWith("\nstatus 1")));
  EXPECT_THAT(run(check + " --socket " + directory.file("no/such.sock")),
              HasSubstr("--socket is in " + directory.file("no/") + ", which cannot be used: No such file or directory"));
}

TEST(CheckConfig, NamesWhatTheStartWouldWarnOf) {
  DaemonProcess daemon({"--check-config"}, [] { setenv("DAEMON_WORKRES", "3", 1); });
  EXPECT_EQ(daemon.exit_status(), 0);
  EXPECT_THAT(daemon.log(), HasSubstr("streaming-daemon: warning: the variable DAEMON_WORKRES has no effect; did "
                                      "you mean DAEMON_WORKERS?\n"));
  EXPECT_THAT(daemon.output(), HasSubstr("the settings are valid\n"));
}

TEST(PrintConfig, PrintsAFileThatGivesTheSameConfiguration) {
  TemporaryDirectory directory;
  const std::string path = directory.file("config.toml");
  std::ofstream(path) << "[server]\nsocket_mode = 0o600\n[backend.openai]\napi_key = \"sk-secret\"\n"
                         "[backend.anthropic]\napi_base = \"https://user:sk-secret@host/v1\"\n";
  const std::string printed = run("--print-config --workers 3 --config " + path);
  EXPECT_THAT(printed, HasSubstr("workers = 3\n"));
  EXPECT_THAT(printed, HasSubstr("socket_mode = 0o600\n"));
  EXPECT_THAT(printed, Not(HasSubstr("sk-secret")));
  EXPECT_THAT(printed, HasSubstr("https://***@host/v1"));
  std::ofstream(path) << printed.substr(0, printed.rfind("status 0"));
  EXPECT_EQ(run("--print-config --config " + path), printed);
}

TEST(ConfigFile, FindsTheConfigurationInTheWorkingDirectoryFirst) {
  TemporaryDirectory directory;
  std::ofstream(directory.file("streaming-daemon.toml")) << "[server]\nworkers = 77\n";
  const std::string changed = "cd " + directory.file("") + " && exec ";
  FILE* program = popen((changed + "'" DAEMON "' --print-config").c_str(), "r");
  std::string printed(64 * 1024, '\0');
  printed.resize(fread(printed.data(), 1, printed.size(), program));
  EXPECT_EQ(pclose(program), 0);
  EXPECT_THAT(printed, HasSubstr("workers = 77\n"));
}

TEST(Start, WarnsOfEachServerWhoseCertificateIsNotVerified) {
  TemporaryDirectory directory;
  const std::string path = directory.file("config.toml");
  std::ofstream(path) << "[backend.anthropic]\ninsecure_ssl = true\n"
                         "[backend.langgraph.profiles.one]\ninsecure_ssl = true\n"
                         "[backend.langgraph.profiles.two]\ninsecure_ssl = false\n";
  DaemonProcess daemon({"--config", path});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("the certificate of backend anthropic is not verified"));
  EXPECT_THAT(daemon.log(), HasSubstr("the certificate of profile one of backend langgraph is not verified"));
  EXPECT_THAT(daemon.log(), Not(HasSubstr("profile two")));
  EXPECT_THAT(daemon.log(), Not(HasSubstr("backend openai is not verified")));
}

TEST(Reload, TakesNewSettingsForNewStreamsAndCutsNone) {
  DaemonProcess daemon({"--delay", "30"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd before = daemon.hand_client_over("{}");
  EXPECT_NE(read_some(before.get()), "");
  daemon.write_config("[response]\ndone_event = true\nformat = \"raw\"\n[server]\nworkers = 7\n");
  daemon.signal(SIGHUP);
  ASSERT_TRUE(daemon.logs("reload: response.format has changed")) << daemon.log();
  EXPECT_TRUE(daemon.logs("reload: response.done_event has changed"));
  EXPECT_TRUE(daemon.logs("reload: server.workers needs a restart to change"));
  EXPECT_TRUE(eventually([&] { return answer_of(daemon).find("event: done\n") != std::string::npos; }));
  EXPECT_THAT(read_to_end(before.get()), EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Reload, KeepsTheOldSettingsWhenTheNewOnesAreWrong) {
  DaemonProcess daemon({"--delay", "1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  daemon.write_config("[response]\ndone_event = true\n[server]\nsocket_mode = 4096\n");
  daemon.signal(SIGHUP);
  EXPECT_TRUE(daemon.logs("config.toml:4: server.socket_mode must be an octal file mode")) << daemon.log();
  EXPECT_TRUE(daemon.logs("the old settings stay"));
  EXPECT_THAT(answer_of(daemon), Not(HasSubstr("event: done\n")));
  EXPECT_EQ(daemon.stop(), 0);
}

// --- Early signals --------------------------------------------------------------------------------------------------

// A daemon whose main() has just begun.
class EarlySignal : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(eventually([this] { return holds(SIGHUP); })) << daemon.log();
  }

  bool holds(int number) const {
    std::ifstream status("/proc/" + std::to_string(daemon.pid()) + "/status");
    for (std::string name; status >> name;) {
      std::uint64_t blocked = 0;
      if (name == "SigBlk:" && status >> std::hex >> blocked) return (blocked >> (number - 1) & 1) != 0;
    }
    return false;
  }
  // Sends it repeatedly until the daemon has certainly started.
  void send_at_each_moment(std::initializer_list<int> numbers) const {
    for (int times = 0; times < 50; ++times) {
      for (const int number : numbers) {
        daemon.signal(number);
        poll(nullptr, 0, 1);
      }
    }
  }

  DaemonProcess daemon{{"--delay", "1"}};
};

TEST_F(EarlySignal, ReloadsADaemonThatIsStillBeingStarted) {
  send_at_each_moment({SIGHUP});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_TRUE(daemon.logs("reload: nothing has changed")) << daemon.log();
  EXPECT_THAT(answer_of(daemon), EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(EarlySignal, EndsADaemonThatIsStillBeingStartedInOrder) {
  daemon.signal(SIGTERM);
  EXPECT_EQ(daemon.exit_status(), 0) << daemon.log();
  EXPECT_FALSE(std::filesystem::exists(daemon.socket()));
}

TEST_F(EarlySignal, EndsADaemonInOrderAlsoWhenItComesAgainAndAgain) {
  send_at_each_moment({SIGTERM, SIGINT});
  EXPECT_EQ(daemon.exit_status(), 0) << daemon.log();
  EXPECT_FALSE(std::filesystem::exists(daemon.socket()));
}

// --- Who may hand over ----------------------------------------------------------------------------------------------

// The daemon's answer to a client that another user hands over.
std::string word_to(uid_t user, const DaemonProcess& daemon) {
  auto [client, browser] = socket_pair();
  auto [ours, theirs] = socket_pair(SOCK_SEQPACKET);
  const pid_t apache = fork();
  if (apache == 0) {
    if (setresuid(user, user, user) != 0) _exit(1);
    const UniqueFd connection = daemon.hand_over("{}", {client.get()});
    const std::string word = read_some(connection.get());
    send(theirs.get(), word.data(), word.size(), MSG_NOSIGNAL);
    _exit(0);
  }
  waitpid(apache, nullptr, 0);
  char word[64];
  const ssize_t length = recv(ours.get(), word, sizeof word, MSG_DONTWAIT);
  return {word, length > 0 ? static_cast<std::size_t>(length) : 0};
}

TEST(AllowedUsers, AreCheckedAndCanBeChangedWhileTheDaemonRuns) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become other users";
  DaemonProcess daemon({"--delay", "1", "--socket-mode", "0666"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::filesystem::permissions(std::filesystem::path(daemon.socket()).parent_path(), std::filesystem::perms::all);
  EXPECT_EQ(word_to(1234, daemon), "A");
  daemon.write_config("[server]\nallowed_users = [4321, \"root\"]\n");
  daemon.signal(SIGHUP);
  ASSERT_TRUE(daemon.logs("reload: server.allowed_users has changed")) << daemon.log();
  EXPECT_TRUE(eventually([&] { return word_to(1234, daemon) == R"(R{"status":403,"connection":2})"; }));
  EXPECT_TRUE(daemon.logs("1 refused with 403: user 1234 (process ")) << daemon.log();
  EXPECT_EQ(word_to(4321, daemon), "A");
  EXPECT_EQ(word_to(0, daemon), "A");
  daemon.write_config("[server]\nallowed_users = [\"no-such-user\"]\n");
  daemon.signal(SIGHUP);
  EXPECT_TRUE(
      daemon.logs("config.toml:2: server.allowed_users must be a user of this system, by name or number, not "
                  "\"no-such-user\"; the old settings stay"))
      << daemon.log();
  EXPECT_EQ(word_to(4321, daemon), "A");
  EXPECT_EQ(daemon.stop(), 0);
}

TEST(Warnings, NameWhatAnOldKernelCannotDo) {
  TemporaryDirectory directory;
  const std::string path = directory.file("config.toml");
  std::ofstream(path) << "[backend.exec.commands]\ndefault = [\"/bin/true\"]\n";
  DaemonProcess check({"--check-config", "--config", path, "--data-dir", directory.file("")},
                      [] { forbid_calls(ENOSYS, {SYS_pidfd_open, SYS_openat2}); });
  EXPECT_EQ(check.exit_status(), 0);
  EXPECT_THAT(check.log(), HasSubstr("programs of backend exec cannot be started: pidfd_open() of Linux 5.3"));
  EXPECT_THAT(check.log(), HasSubstr("attachments cannot be read: openat2() of Linux 5.6"));
}

TEST(Warnings, NameTheBackendWhoseApiWantsAKeyThatThereIsNot) {
  const auto without_key = [] { unsetenv("OPENAI_API_KEY"); };
  const DaemonProcess daemon({"--backend", "openai"}, without_key);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("backend openai has no key; set OPENAI_API_KEY or api_key_file"));
  const DaemonProcess own({"--backend", "openai", "--openai-base", "http://127.0.0.1:1/v1"}, without_key);
  ASSERT_TRUE(own.ready()) << own.log();
  EXPECT_THAT(own.log(), Not(HasSubstr("no key"))) << "a server of one's own may want none";
}

// --- Upgrade --------------------------------------------------------------------------------------------------------

TEST_F(Upgrade, CutsNoStreamAndServesNewOnesFromTheSuccessor) {
  DaemonProcess daemon({"--delay", "30"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const UniqueFd before = daemon.hand_client_over("{}");
  EXPECT_NE(read_some(before.get()), "");
  const pid_t successor = successor_of(daemon);
  ASSERT_GT(successor, 0) << daemon.log();
  EXPECT_THAT(read_to_end(before.get()), EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(daemon.exit_status(), 0) << "the old daemon leaves with its last stream";
  EXPECT_THAT(answer_of(daemon), EndsWith("data: [DONE]\n\n"));

  EXPECT_EQ(end(successor), 0);
  EXPECT_FALSE(std::filesystem::exists(daemon.socket())) << "the file is the successor's to remove";
}

TEST_F(Upgrade, WorksOnKernelsThatCannotCloseARangeOfDescriptors) {
  DaemonProcess daemon({"--delay", "1"}, [] { forbid_calls(ENOSYS, {SYS_close_range}); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const pid_t successor = successor_of(daemon);
  ASSERT_GT(successor, 0) << daemon.log();
  EXPECT_EQ(daemon.exit_status(), 0);
  EXPECT_THAT(answer_of(daemon), EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(end(successor), 0);
}

TEST_F(Upgrade, CutsNoStreamOfAClientOverTls) {
  DaemonProcess daemon({"--delay", "30"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  TlsPeer peer;
  auto [client, browser] = socket_pair();
  daemon.hand_over(connection_part(peer.server_state()) + "{}", {client.get()});
  client.reset();
  const std::string begin = read_some(browser.get());
  daemon.signal(SIGHUP);
  ASSERT_TRUE(daemon.logs("reload: nothing has changed")) << daemon.log();
  const pid_t successor = successor_of(daemon);
  ASSERT_GT(successor, 0) << daemon.log();
  EXPECT_THAT(peer.read(begin + read_to_end(browser.get())), EndsWith("data: [DONE]\n\n"));
  EXPECT_TRUE(peer.has_clean_end()) << peer.error();
  browser.reset();
  EXPECT_EQ(daemon.exit_status(), 0);
  EXPECT_EQ(end(successor), 0);
}

TEST_F(Upgrade, PassesASocketOfTheOtherTypeOnToo) {
  DaemonProcess daemon({"--delay", "1", "--socket-type", "stream"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const pid_t successor = successor_of(daemon);
  ASSERT_GT(successor, 0) << daemon.log();
  EXPECT_EQ(daemon.exit_status(), 0);
  auto [client, browser] = socket_pair();
  EXPECT_TRUE(send_message(connect_to(daemon.socket(), SOCK_STREAM).get(), "{}", std::array{client.get()}));
  client.reset();
  EXPECT_THAT(read_to_end(browser.get()), EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(end(successor), 0);
}

TEST_F(Upgrade, LeavesTheOldDaemonServingWhenTheNewOneCannotStart) {
  DaemonProcess daemon({"--delay", "1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  daemon.write_config("[server]\nworkers = \"many\"\n");
  daemon.signal(SIGUSR2);
  EXPECT_TRUE(daemon.logs("has ended before it served; this daemon continues")) << daemon.log();
  EXPECT_THAT(answer_of(daemon), EndsWith("data: [DONE]\n\n"));
  daemon.write_config("");
  const pid_t successor = successor_of(daemon);
  ASSERT_GT(successor, 0) << "a failed try does not keep from another";
  EXPECT_EQ(daemon.exit_status(), 0);
  EXPECT_EQ(end(successor), 0);
}

TEST_F(Upgrade, UpgradesOnReloadOnceTheProgramWasReplaced) {
  const TemporaryDirectory directory;
  const std::string program = directory.file("streaming-daemon");
  std::filesystem::copy_file(DAEMON, program);
  DaemonProcess daemon(
      {"--delay", "1"}, [] {}, program);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  daemon.signal(SIGHUP);
  ASSERT_TRUE(daemon.logs("reload: nothing has changed")) << daemon.log();

  std::filesystem::copy_file(DAEMON, program + ".new");
  std::filesystem::rename(program + ".new", program);
  daemon.write_config("[response]\ndone_event = true\n");
  const pid_t successor = successor_of(daemon, SIGHUP);
  ASSERT_GT(successor, 0) << daemon.log();
  EXPECT_EQ(daemon.exit_status(), 0);
  EXPECT_THAT(answer_of(daemon), HasSubstr("event: done\n")) << "the new program has the new settings";
  EXPECT_EQ(end(successor), 0);
}

// --- The service manager --------------------------------------------------------------------------------------------

// A listening Unix socket at `path`; for datagrams only a bound one.
UniqueFd socket_at(const std::string& path, int type) {
  UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << std::strerror(errno);
  EXPECT_TRUE(type == SOCK_DGRAM || listen(fd.get(), 16) == 0);
  return fd;
}

// Does what systemd does before it executes a service.
void pass(int fd) {
  if (fd == 3) {
    fcntl(fd, F_SETFD, 0);
  } else {
    dup2(fd, 3);
  }
  setenv("LISTEN_FDS", "1", 1);
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
}

class SocketActivation : public testing::TestWithParam<int> {};

INSTANTIATE_TEST_SUITE_P(EachType, SocketActivation, testing::Values(SOCK_SEQPACKET, SOCK_STREAM),
                         [](const auto& type) { return type.param == SOCK_STREAM ? "Stream" : "Seqpacket"; });

TEST_P(SocketActivation, ServesOnThePassedSocketAndLeavesItsFile) {
  TemporaryDirectory directory;
  const std::string path = directory.file("activated.sock");
  const UniqueFd listener = socket_at(path, GetParam());
  auto [client, browser] = socket_pair();
  const UniqueFd apache = connect_to(path, GetParam());
  ASSERT_TRUE(send_message(apache.get(), "{}", std::array{client.get()})) << "before the daemon runs";
  client.reset();

  DaemonProcess daemon({"--delay", "1"}, [&] { pass(listener.get()); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("ready on " + path));
  EXPECT_THAT(read_to_end(browser.get()), EndsWith("data: [DONE]\n\n"));
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST_P(SocketActivation, LeavesTheRightsOfTheSocketToTheServiceManagerAndSaysSo) {
  TemporaryDirectory directory;
  const std::string path = directory.file("activated.sock");
  const UniqueFd listener = socket_at(path, GetParam());
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  DaemonProcess daemon({"--socket-owner", "1234"}, [&] { pass(listener.get()); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_THAT(daemon.log(), HasSubstr("set SocketMode=, SocketUser= and SocketGroup= in its socket unit"));
  struct stat status {};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_uid, geteuid());
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  EXPECT_EQ(daemon.stop(), 0);
}

// Before the daemon started, no process had asked the kernel to record the sender.
TEST_P(SocketActivation, KnowsWhoHasSentWhatWaitedOrRefusesIt) {
  TemporaryDirectory directory;
  for (const int told : {1, 0}) {
    const std::string path = directory.file(told != 0 ? "told.sock" : "not-told.sock");
    const UniqueFd listener = socket_at(path, GetParam());
    ASSERT_EQ(setsockopt(listener.get(), SOL_SOCKET, SO_PASSCRED, &told, sizeof told), 0);
    auto [client, browser] = socket_pair();
    const UniqueFd waited = connect_to(path, GetParam());
    ASSERT_TRUE(send_message(waited.get(), "{}", std::array{client.get()}));
    DaemonProcess daemon({"--allowed-users", std::to_string(getuid())}, [&] { pass(listener.get()); });
    ASSERT_TRUE(daemon.ready()) << daemon.log();
    // Kernels before 6.16 record it nevertheless.
    const std::string word = read_some(waited.get());
    EXPECT_TRUE(word == "A" || (told == 0 && word == R"(R{"status":403,"connection":2})")) << word << daemon.log();
    const UniqueFd later = connect_to(path, GetParam());
    ASSERT_TRUE(send_message(later.get(), "{}", std::array{client.get()}));
    EXPECT_EQ(read_some(later.get()), "A");
  }
}

TEST_P(SocketActivation, RefusesASocketThatContradictsTheSettingAndNamesBoth) {
  TemporaryDirectory directory;
  const std::string path = directory.file("activated.sock");
  const UniqueFd listener = socket_at(path, GetParam());
  const bool stream = GetParam() == SOCK_STREAM;
  DaemonProcess daemon({"--socket-type", stream ? "seqpacket" : "stream"}, [&] { pass(listener.get()); });
  EXPECT_EQ(daemon.exit_status(), 1);
  EXPECT_THAT(daemon.log(), AllOf(HasSubstr(stream ? "--socket-type is \"seqpacket\"" : "--socket-type is \"stream\""),
                                  HasSubstr(path + " that was passed to the daemon is of type \"" +
                                            (stream ? "stream" : "seqpacket") + "\""),
                                  HasSubstr(stream ? "change ListenStream=" : "change ListenSequentialPacket=")));
}

TEST(SocketActivationOfAnyType, RefusesASocketThatDoesNotListen) {
  TemporaryDirectory directory;
  const UniqueFd datagrams = socket_at(directory.file("activated.sock"), SOCK_DGRAM);
  DaemonProcess daemon({}, [&] { pass(datagrams.get()); });
  EXPECT_EQ(daemon.exit_status(), 1);
  EXPECT_THAT(daemon.log(), HasSubstr("ListenSequentialPacket= or ListenStream="));
}

class NotifySocket {
 public:
  std::string path() const { return directory_.file("notify"); }
  // Waits for a message that contains `text`; empty if none comes.
  std::string word(const std::string& text) {
    std::string got;
    char bytes[1024];
    const bool found = eventually([&] {
      const ssize_t length = recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
      if (length > 0) got.assign(bytes, static_cast<std::size_t>(length));
      return length > 0 && got.find(text) != std::string::npos;
    });
    return found ? got : "";
  }

 private:
  TemporaryDirectory directory_;
  UniqueFd socket_ = socket_at(path(), SOCK_DGRAM);
};

TEST(ServiceManager, HearsWhenTheDaemonServesReloadsAndStops) {
  NotifySocket notify;
  DaemonProcess daemon({}, [&] { setenv("NOTIFY_SOCKET", notify.path().c_str(), 1); });
  EXPECT_NE(notify.word("READY=1"), "");
  daemon.signal(SIGHUP);
  EXPECT_NE(notify.word("RELOADING=1\nMONOTONIC_USEC="), "");
  EXPECT_NE(notify.word("READY=1"), "");
  daemon.signal(SIGTERM);
  EXPECT_NE(notify.word("STOPPING=1"), "");
  EXPECT_EQ(daemon.exit_status(), 0);
}

TEST(ServiceManager, HearsThatTheWorkersTurnWhereItWantsTo) {
  NotifySocket notify;
  DaemonProcess daemon({}, [&] {
    setenv("NOTIFY_SOCKET", notify.path().c_str(), 1);
    setenv("WATCHDOG_USEC", "20000", 1);
    setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
  });
  for (int times = 0; times < 3; ++times) EXPECT_NE(notify.word("WATCHDOG=1"), "");
  EXPECT_EQ(daemon.stop(), 0);
}

TEST_F(Upgrade, TellsTheServiceManagerWhichProcessIsTheMainOne) {
  NotifySocket notify;
  DaemonProcess daemon({}, [&] { setenv("NOTIFY_SOCKET", notify.path().c_str(), 1); });
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const pid_t successor = successor_of(daemon);
  EXPECT_NE(notify.word("MAINPID=" + std::to_string(successor)), "");
  EXPECT_EQ(daemon.exit_status(), 0);
  EXPECT_EQ(end(successor), 0);
}

}  // namespace
}  // namespace streaming
