// SPDX-License-Identifier: Apache-2.0
// DnsServer: a DNS server on a loopback port. It knows the names that the test adds, and no others; it does not answer
// for names that are held. It has its own thread; any thread may call it.

#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace streaming {

class DnsServer {
 public:
  DnsServer() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    EXPECT_EQ(getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~DnsServer() {
    shutdown(socket_.get(), SHUT_RD);  // wakes recvfrom()
    thread_.join();
  }

  // The address in the form that Resolver accepts.
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  void add(const std::string& name, const std::vector<std::string>& addresses, std::uint32_t ttl = 60) {
    const std::lock_guard lock(mutex_);
    names_[name] = {addresses, ttl};
  }
  void hold(const std::string& name) {
    const std::lock_guard lock(mutex_);
    held_.insert(name);
  }
  // The number of queries for a name: one for each address family.
  int questions(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = questions_.find(name);
    return found == questions_.end() ? 0 : found->second;
  }

 private:
  static constexpr std::size_t kHeaderBytes = 12;
  static constexpr std::uint16_t kA = 1, kAaaa = 28;

  struct Record {
    std::vector<std::string> addresses;
    std::uint32_t ttl = 0;
  };

  void serve() {
    char bytes[512];
    sockaddr_storage from{};
    for (;;) {
      socklen_t length = sizeof from;
      const ssize_t got =
          recvfrom(socket_.get(), bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&from), &length);
      if (got <= 0) return;
      const std::string answer = answer_to({bytes, static_cast<std::size_t>(got)});
      if (answer.empty()) continue;
      sendto(socket_.get(), answer.data(), answer.size(), 0, reinterpret_cast<const sockaddr*>(&from), length);
    }
  }

  // Empty: no answer is sent.
  std::string answer_to(const std::string& query) {
    std::string name;
    std::size_t at = kHeaderBytes;
    for (; at < query.size() && query[at] != 0; at += 1u + static_cast<unsigned char>(query[at])) {
      name += (name.empty() ? "" : ".") + query.substr(at + 1, static_cast<unsigned char>(query[at]));
    }
    const std::size_t question_end = at + 5;
    if (question_end > query.size()) return {};
    for (char& letter : name) letter = static_cast<char>(std::tolower(letter));
    const auto type = static_cast<std::uint16_t>(query[at + 2]);
    const std::lock_guard lock(mutex_);
    ++questions_[name];
    if (held_.contains(name)) return {};
    const auto known = names_.find(name);
    std::string records;
    std::uint16_t count = 0;
    if (known != names_.end()) {
      for (const std::string& address : known->second.addresses) count += add_record(records, type, address, known->second.ttl);
    }
    const char code = known == names_.end() ? 3 : 0;  // NXDOMAIN
    return query.substr(0, 2) + std::string{'\x81', static_cast<char>(0x80 | code)} + two(1) + two(count) + two(0) +
           two(0) + query.substr(kHeaderBytes, question_end - kHeaderBytes) + records;
  }

  static std::uint16_t add_record(std::string& records, std::uint16_t type, const std::string& address,
                                  std::uint32_t ttl) {
    char bytes[16];
    const bool six = address.find(':') != std::string::npos;
    if (type != (six ? kAaaa : kA)) return 0;
    EXPECT_EQ(inet_pton(six ? AF_INET6 : AF_INET, address.c_str(), bytes), 1);
    const std::size_t size = six ? 16 : 4;
    records += std::string{'\xc0', '\x0c'} + two(type) + two(1) + two(static_cast<std::uint16_t>(ttl >> 16)) +
               two(static_cast<std::uint16_t>(ttl)) + two(static_cast<std::uint16_t>(size)) + std::string(bytes, size);
    return 1;
  }
  static std::string two(std::uint16_t number) {
    return {static_cast<char>(number >> 8), static_cast<char>(number)};
  }

  UniqueFd socket_;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::map<std::string, Record> names_;
  std::set<std::string> held_;
  std::map<std::string, int> questions_;
  std::thread thread_;
};

}  // namespace streaming
