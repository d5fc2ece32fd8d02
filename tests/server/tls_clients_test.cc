// SPDX-License-Identifier: Apache-2.0
// The daemon with clients over TLS: OpenSSL's, on TCP, whose handshake was made before the hand-off, as in Apache.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "support/connection_part.h"
#include "support/daemon_process.h"
#include "support/mock_answer.h"
#include "support/payload_memfd.h"
#include "support/tcp_sockets.h"
#include "support/tls_peer.h"
#include "tls/tls_ciphers.h"
#include "tls/tls_connection.h"

namespace streaming {
namespace {

using handoff_protocol::TlsState;
using handoff_protocol::TlsVersion;
using testing::HasSubstr;
using testing::StartsWith;

// Hands a TCP client over and returns the browser's end.
UniqueFd hand_over(const DaemonProcess& daemon, const TlsState& tls, std::string_view payload) {
  auto [client, browser] = tcp_pair();
  daemon.hand_over(connection_part(tls) + std::string(payload), {client.get()});
  return std::move(browser);
}

void send_all(const UniqueFd& browser, std::string_view bytes) {
  EXPECT_EQ(send(browser.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
}

class TlsClients : public testing::TestWithParam<TlsVersion> {
 protected:
  void SetUp() override { ASSERT_TRUE(daemon.ready()) << daemon.log(); }

  DaemonProcess daemon{{"--delay", "1", "--workers", "2"}};
};

INSTANTIATE_TEST_SUITE_P(, TlsClients, testing::Values(TlsVersion::k12, TlsVersion::k13),
                         [](const auto& version) { return version.param == TlsVersion::k12 ? "Tls12" : "Tls13"; });

TEST_P(TlsClients, GetAWholeAnswerAndACleanEnd) {
  TlsPeer peer({.version = GetParam(), .suite = {}, .exchanges = 1});
  UniqueFd browser = hand_over(daemon, peer.server_state(), R"({"prompt":"hi","apache":{"protocol":"HTTP/1.1"}})");
  const std::string answer = peer.read(read_to_end(browser.get()));
  browser.reset();
  EXPECT_EQ(peer.error(), "");
  EXPECT_THAT(answer, HasSubstr("\r\nTransfer-Encoding: chunked\r\n"));
  EXPECT_THAT(answer, HasSubstr("You said: hi"));
  EXPECT_THAT(answer, testing::EndsWith("\r\n0\r\n\r\n"));
  EXPECT_TRUE(peer.has_clean_end());
  EXPECT_TRUE(daemon.logs("cause=completed")) << daemon.log();
}

TEST_P(TlsClients, GetRefusalsThroughTls) {
  TlsPeer peer({.version = GetParam(), .suite = {}});
  const std::string answer =
      peer.read(read_to_end(hand_over(daemon, peer.server_state(), R"({"backend":"nonsense"})").get()));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_TRUE(peer.has_clean_end());
}

TEST_P(TlsClients, BringLargePayloadsInAMemfd) {
  TlsPeer peer({.version = GetParam(), .suite = {}});
  const UniqueFd file = payload_memfd("{\"prompt\":\"" + std::string(900'000, 'p') + "\"}");
  auto [client, browser] = tcp_pair();
  daemon.hand_over(connection_part(peer.server_state()) + '\0', {client.get(), file.get()});
  client.reset();
  EXPECT_TRUE(is_whole(peer.read(read_to_end(browser.get()))));
  EXPECT_TRUE(peer.has_clean_end());
}

TEST_P(TlsClients, AreGoneWithTheirCloseNotify) {
  TlsPeer peer({.version = GetParam(), .suite = {}});
  const UniqueFd browser = hand_over(daemon, peer.server_state(), R"({"backend":"hold"})");
  EXPECT_THAT(peer.read(read_some(browser.get())), StartsWith("HTTP/1.1 200 "));
  send_all(browser, peer.close());
  EXPECT_TRUE(daemon.logs("cause=client_gone")) << daemon.log();
}

TEST(TlsClientsOfAnUnknownKind, AreRefusedAndNotAnsweredInPlainText) {
  DaemonProcess daemon({});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::string part = connection_part(TlsState());
  part[1] = 9;
  auto [client, browser] = tcp_pair();
  const UniqueFd apache = daemon.hand_over(part + "{}", {client.get()});
  EXPECT_EQ(read_to_end(apache.get()), R"(R{"status":400,"connection":2})");
  client.reset();
  EXPECT_EQ(read_to_end(browser.get()), "");
}

// --- Hostile clients ------------------------------------------------------------------------------------------------

// A client of no handshake, whose keys a message makes up: it seals what it sends itself.
class MadeUpClient {
 public:
  explicit MadeUpClient(unsigned seed) {
    std::mt19937 random(seed);
    for (handoff_protocol::TlsDirection* direction : {&at_daemon_.from_client, &at_daemon_.to_client}) {
      std::generate(direction->key.begin(), direction->key.end(), std::ref(random));
      std::generate(direction->secret.begin(), direction->secret.end(), std::ref(random));
    }
    TlsState own = at_daemon_;
    std::swap(own.from_client, own.to_client);
    connection_ = std::make_unique<TlsConnection>(own);
  }
  const TlsState& at_daemon() const { return at_daemon_; }
  // Its keys and traffic secrets.
  std::vector<std::string> secrets() const {
    const std::size_t key_length = key_bytes(at_daemon_.aead);
    const std::size_t secret_length = secret_bytes(at_daemon_.version, at_daemon_.aead);
    std::vector<std::string> all;
    for (const handoff_protocol::TlsDirection* direction : {&at_daemon_.from_client, &at_daemon_.to_client}) {
      all.emplace_back(direction->key.begin(), direction->key.begin() + key_length);
      all.emplace_back(direction->secret.begin(), direction->secret.begin() + secret_length);
    }
    return all;
  }
  std::string seal(std::string_view text) {
    Buffer records;
    EXPECT_EQ(connection_->seal(ciphers_, text, records), TlsConnection::Sealing::kDone);
    return std::string(records.view());
  }

 private:
  TlsState at_daemon_;
  TlsCiphers ciphers_;
  std::unique_ptr<TlsConnection> connection_;
};

// What such a client sends: garbage behind a record, a record twice, one of which a part is missing, or a changed one.
std::string malice(std::size_t kind, MadeUpClient& client) {
  const std::string honest = client.seal("GET / HTTP/1.1\r\n\r\n");
  std::string changed = honest;
  changed.back() = static_cast<char>(changed.back() ^ 1);
  switch (kind % 4) {
    case 0:
      return honest + std::string(300, static_cast<char>('a' + kind % 26));
    case 1:
      return honest + honest;
    case 2:
      return honest + client.seal("lost").substr(0, 15) + client.seal("next");
    default:
      return changed;
  }
}

TEST(TlsClientsThatAreHostile, EndTheirOwnStreamsAlone) {
  constexpr std::size_t kHostile = 1000;
  DaemonProcess daemon({"--workers", "1", "--delay", "30"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  std::vector<std::unique_ptr<TlsPeer>> honest;
  std::vector<UniqueFd> honest_browsers, browsers;
  for (std::size_t i = 0; i < kHostile; ++i) {
    if (i % 100 == 0) {
      honest.push_back(std::make_unique<TlsPeer>());
      honest_browsers.push_back(hand_over(daemon, honest.back()->server_state(), "{}"));
    }
    MadeUpClient client(static_cast<unsigned>(i));
    browsers.push_back(hand_over(daemon, client.at_daemon(), R"({"backend":"hold"})"));
    send_all(browsers.back(), malice(i, client));
  }
  for (std::size_t i = 0; i < honest.size(); ++i) {
    EXPECT_TRUE(is_whole(honest[i]->read(read_to_end(honest_browsers[i].get()))));
    EXPECT_TRUE(honest[i]->has_clean_end());
  }
  for (const UniqueFd& browser : browsers) read_to_end(browser.get());
  EXPECT_EQ(daemon.stop(), 0);
  EXPECT_EQ(occurrences(daemon.log(), "cause=client_malformed"), kHostile);
}

// --- Secrets --------------------------------------------------------------------------------------------------------

// Larger ones are a sanitizer's.
constexpr std::size_t kLargestMapping = std::size_t{1} << 30;

// The memory of a process that a core dump would contain; empty if it cannot be read.
std::string dumped_memory(pid_t pid) {
  const std::string process = "/proc/" + std::to_string(pid);
  std::ifstream maps(process + "/smaps");
  std::ifstream memory(process + "/mem", std::ios::binary);
  std::string all;
  std::string mapping;
  for (std::string line; std::getline(maps, line);) {
    std::size_t begin = 0, end = 0;
    char rights[5] = "";
    if (std::sscanf(line.c_str(), "%zx-%zx %4s ", &begin, &end, rights) == 3) {
      const bool is_read = std::string_view(rights).starts_with("rw") && end - begin <= kLargestMapping;
      mapping.resize(is_read ? end - begin : 0);
      memory.clear();
      memory.seekg(static_cast<std::streamoff>(begin));
      if (!memory.read(mapping.data(), static_cast<std::streamsize>(mapping.size()))) mapping.clear();
    } else if (line.starts_with("VmFlags:") && (line + " ").find(" dd ") == std::string::npos) {
      all += mapping;
    }
  }
  return all;
}

TEST(TlsClientsSecrets, AreInNoMemoryThatACoreDumpContains) {
  DaemonProcess daemon({"--workers", "1", "--delay", "1"});
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const MadeUpClient client(1), over_http2(3), later(2);
  const UniqueFd waiting = hand_over(daemon, client.at_daemon(), R"({"backend":"hold"})");
  EXPECT_NE(read_some(waiting.get()), "");
  const handoff_protocol::Http2State http2{
      .stream = 1, .highest_stream = 1, .connection_window = 9, .stream_window = 9, .max_frame_bytes = 1 << 14};
  auto [socket, browser] = tcp_pair();
  daemon.hand_over(connection_part({.tls = over_http2.at_daemon(), .http2 = http2}) + R"({"backend":"hold"})",
                   {socket.get()});
  EXPECT_NE(read_some(browser.get()), "");
  const auto holds_a_secret = [&](const std::string& memory) {
    for (const MadeUpClient* held : {&client, &over_http2}) {
      for (const std::string& secret : held->secrets()) {
        if (memory.find(secret) != std::string::npos) return true;
      }
    }
    return false;
  };
  // A cipher context keeps a key until the next record needs another; over HTTP/2 a GOAWAY comes a moment after the begin.
  std::string memory;
  EXPECT_TRUE(eventually([&] {
    const UniqueFd displacing = hand_over(daemon, later.at_daemon(), R"({"backend":"hold"})");
    EXPECT_NE(read_some(displacing.get()), "");
    memory = dumped_memory(daemon.pid());
    return !holds_a_secret(memory);
  }));
  if (memory.empty()) GTEST_SKIP() << "its memory cannot be read here";
  EXPECT_NE(memory.find(daemon.socket()), std::string::npos) << "what it looks for is found";
}

}  // namespace
}  // namespace streaming
