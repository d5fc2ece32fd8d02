// SPDX-License-Identifier: Apache-2.0
// TwoHosts: two daemons, as on two hosts, that share kept answers through a real store.

#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "support/daemon_process.h"
#include "support/store_server.h"
#include "support/unix_sockets.h"

namespace streaming {

inline constexpr const char* kAsk = R"({"answer_id":"a","prompt":"hello"})";
inline constexpr const char* kFollow = R"({"answer_id":"a","action":"follow"})";
inline constexpr const char* kStop = R"({"answer_id":"a","action":"stop"})";

class TwoHosts : public testing::Test {
 protected:
  // `flags` for both.
  explicit TwoHosts(std::vector<std::string> flags = {}) : flags_{"--delay", "30", "--workers", "2"} {
    flags_.insert(flags_.end(), flags.begin(), flags.end());
  }
  void SetUp() override {
    for (std::optional<DaemonProcess>* host : {&here, &there}) start(*host);
  }
  void start(std::optional<DaemonProcess>& host, const std::vector<std::string>& more_flags = {}) {
    std::vector<std::string> flags = flags_;
    flags.insert(flags.end(), more_flags.begin(), more_flags.end());
    host.emplace(flags,
                 [this] {
                   setenv("DAEMON_STORE_URL", store.url().c_str(), 1);
                   setenv("DAEMON_STORE_PASSWORD", "secret", 1);
                   for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
                 });
    ASSERT_TRUE(host->ready()) << host->log();
  }

  static std::string text_of(const UniqueFd& browser) {
    const std::string answer = read_to_end(browser.get());
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? answer : answer.substr(end + 4);
  }
  static std::string answer_of(const DaemonProcess& host, const std::string& payload) {
    return read_to_end(host.hand_client_over(payload).get());
  }
  // Without what was read of it.
  static std::string rest_of(const UniqueFd& browser, const std::string& beginning) {
    const std::string answer = beginning + read_to_end(browser.get());
    return answer.substr(answer.find("\r\n\r\n") + 4);
  }

  // Sends a command to the store as a user who may do all, and returns the reply.
  std::string command(const std::string& text) const {
    const UniqueFd admin = connect_to(store.socket(), SOCK_STREAM);
    const std::string commands = "AUTH admin secret\r\n" + text + "\r\n";
    EXPECT_GT(send(admin.get(), commands.data(), commands.size(), MSG_NOSIGNAL), 0);
    shutdown(admin.get(), SHUT_WR);
    return read_to_end(admin.get()).substr(std::string_view("+OK\r\n").size());
  }

  // How often the store has carried out the command.
  int calls_of(const std::string& name) const {
    const std::string statistics = command("INFO commandstats");
    const std::string field = "cmdstat_" + name + ":calls=";
    const std::size_t at = statistics.find(field);
    return at == std::string::npos ? 0 : std::atoi(statistics.c_str() + at + field.size());
  }

  // Of the environment of daemons that start().
  std::map<std::string, std::string> variables;
  // May do what docs/OPERATIONS.md lists, and no more.
  StoreServer store{{"--user",       "default",        "on",          ">secret",      "resetkeys",  "~socket-handoff:*",
                     "resetchannels", "&socket-handoff:*", "nocommands", "+auth",        "+select",    "+ping",
                     "+eval",        "+hsetnx",        "+hset",       "+hdel",        "+hget",         "+hgetall",   "+pexpire",
                     "+xadd",        "+xrange",        "+xrevrange",  "+set",         "+exists",    "+lpop",
                     "+rpush",       "+get",           "+sadd",       "+srem",        "+smembers",  "+srandmember",
                     "+publish",     "+subscribe",     "+unsubscribe", "+evalsha",   "+time",      "+incrby",
                     "+pttl",        "--user",         "admin",        "on",             ">secret",     "~*",          "&*",         "+@all"}};
  std::optional<DaemonProcess> here;
  std::optional<DaemonProcess> there;

 private:
  std::vector<std::string> flags_;
};

}  // namespace streaming
