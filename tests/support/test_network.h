// SPDX-License-Identifier: Apache-2.0
// TestNetwork: a network that the test can disturb. It has two network namespaces, the daemon's host and the far side;
// a thread of the test carries packets between their TUN devices.
//
// Needs root, or user namespaces and /dev/net/tun; why_not() names what is missing. at_host() and at_far_side() run a
// function in that namespace, on a separate thread; sockets and threads made by it stay there.

#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "support/tcp_sockets.h"

namespace streaming {

// From the networks for documentation (RFC 5737, RFC 3849).
inline constexpr char kHostAddress[] = "192.0.2.1", kHostAddress6[] = "2001:db8::1";
inline constexpr char kFarAddress[] = "192.0.2.2", kFarAddress6[] = "2001:db8::2";

class TestNetwork {
 public:
  enum class Trouble {
    kNone,
    kCut,    // nothing arrives, and no side is informed
    kNoIp6,  // the same, but only for IPv6
    kLossy,  // some packets are lost, some come late and out of order, some twice
  };

  TestNetwork() {
    if (geteuid() != 0) become_root_of_a_user_namespace();
    if (why_not_.empty()) host_ = make_end(kHostAddress, kHostAddress6);
    if (why_not_.empty()) far_ = make_end(kFarAddress, kFarAddress6);
    if (why_not_.empty()) carrier_ = std::thread([this] { carry(); });
  }
  ~TestNetwork() {
    eventfd_write(over_.get(), 1);
    if (carrier_.joinable()) carrier_.join();
  }

  // The reason why it cannot be used; empty if it can.
  const std::string& why_not() const { return why_not_; }

  void set(Trouble trouble) { trouble_ = trouble; }
  // The number of packets that did not arrive.
  int lost() const { return lost_; }

  void at_host(const std::function<void()>& call) const { run_in(host_, call); }
  void at_far_side(const std::function<void()>& call) const { run_in(far_, call); }
  // For a child process, before it executes its program.
  void move_to_host() const { EXPECT_EQ(setns(host_.space.get(), CLONE_NEWNET), 0); }

  // A client on the host, as Apache has it, and its browser on the far side.
  std::pair<UniqueFd, UniqueFd> client_and_browser() const {
    TcpListener listener;
    UniqueFd browser;
    at_host([&] { listener = tcp_listener(kHostAddress); });
    at_far_side([&] { browser = tcp_connection_to(listener.port, kHostAddress); });
    EXPECT_TRUE(browser) << std::strerror(errno);
    return {UniqueFd(accept4(listener.socket.get(), nullptr, nullptr, SOCK_NONBLOCK)), std::move(browser)};
  }

 private:
  struct End {
    UniqueFd space;   // the namespace
    UniqueFd tunnel;  // its packets
  };
  struct Packet {
    int to = -1;
    std::string bytes;
  };
  static constexpr std::size_t kMostPacketBytes = 2048;  // above the device's MTU
  static constexpr int kLatePacketMs = 3;

  static void run_in(const End& end, const std::function<void()>& call) {
    std::thread([&] {
      EXPECT_EQ(setns(end.space.get(), CLONE_NEWNET), 0);
      call();
    }).join();
  }

  void fail(const std::string& what) {
    if (why_not_.empty()) why_not_ = "no network of its own: " + what + ": " + std::strerror(errno);
  }

  // Keeps the user's identity and only gains rights over new networks.
  void become_root_of_a_user_namespace() {
    const std::string user = std::to_string(geteuid()), group = std::to_string(getegid());
    if (unshare(CLONE_NEWUSER) != 0) return fail("unshare(CLONE_NEWUSER)");
    std::ofstream("/proc/self/setgroups") << "deny";
    std::ofstream("/proc/self/uid_map") << user + " " + user + " 1";
    std::ofstream("/proc/self/gid_map") << group + " " + group + " 1";
  }

  End make_end(const char* address, const char* address6) {
    End end;
    std::thread([&] {
      if (unshare(CLONE_NEWNET) != 0) return fail("unshare(CLONE_NEWNET)");
      end.space.reset(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
      end.tunnel.reset(open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
      if (!end.tunnel) return fail("/dev/net/tun");
      set_up(end.tunnel.get(), address, address6);
    }).join();
    return end;
  }

  void set_up(int tunnel, const char* address, const char* address6) {
    const UniqueFd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const UniqueFd any6(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq loopback{}, device{};
    std::strcpy(loopback.ifr_name, "lo");
    loopback.ifr_flags = IFF_UP;
    if (ioctl(any.get(), SIOCSIFFLAGS, &loopback) != 0) return fail("lo");
    std::strcpy(device.ifr_name, "test0");
    device.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (ioctl(tunnel, TUNSETIFF, &device) != 0) return fail("TUNSETIFF");
    reinterpret_cast<sockaddr_in&>(device.ifr_addr) = tcp_address(address);
    if (ioctl(any.get(), SIOCSIFADDR, &device) != 0) return fail(address);
    reinterpret_cast<sockaddr_in&>(device.ifr_netmask) = tcp_address("255.255.255.0");
    if (ioctl(any.get(), SIOCSIFNETMASK, &device) != 0) return fail("its mask");
    device.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(any.get(), SIOCSIFFLAGS, &device) != 0) return fail("TUN");
    // The same as in6_ifreq of linux/ipv6.h, which conflicts with the C library's headers.
    struct {
      in6_addr address;
      std::uint32_t prefix_bits;
      int interface;
    } request6{{}, 64, static_cast<int>(if_nametoindex("test0"))};
    inet_pton(AF_INET6, address6, &request6.address);
    if (ioctl(any6.get(), SIOCSIFADDR, &request6) != 0) return fail(address6);
  }

  // --- The carrying thread ---

  void carry() {
    pollfd events[] = {{host_.tunnel.get(), POLLIN, 0}, {far_.tunnel.get(), POLLIN, 0}, {over_.get(), POLLIN, 0}};
    for (;;) {
      poll(events, std::size(events), late_.to < 0 ? -1 : kLatePacketMs);
      if (events[2].revents != 0) return;
      const bool silent = events[0].revents == 0 && events[1].revents == 0;
      if (silent) deliver_late();
      if (events[0].revents != 0) pass_on(host_.tunnel.get(), far_.tunnel.get());
      if (events[1].revents != 0) pass_on(far_.tunnel.get(), host_.tunnel.get());
    }
  }

  void pass_on(int from, int to) {
    Packet packet{to, std::string(kMostPacketBytes, '\0')};
    const ssize_t size = read(from, packet.bytes.data(), packet.bytes.size());
    if (size <= 0) return;
    packet.bytes.resize(static_cast<std::size_t>(size));
    const bool ip6 = static_cast<unsigned char>(packet.bytes[0]) >> 4 == 6;
    switch (trouble_) {
      case Trouble::kNone:
        return deliver(packet);
      case Trouble::kCut:
        ++lost_;
        return;
      case Trouble::kNoIp6:
        return ip6 ? void(++lost_) : deliver(packet);
      case Trouble::kLossy:
        return deliver_badly(std::move(packet));
    }
  }

  // It never loses two packets in a row, so that retransmissions arrive.
  void deliver_badly(Packet packet) {
    ++carried_;
    if (carried_ % 9 == 0) {
      ++lost_;
    } else if (carried_ % 5 == 0 && late_.to < 0) {
      late_ = std::move(packet);
    } else {
      deliver(packet);
      if (carried_ % 7 == 0) deliver(packet);
      if (carried_ % 2 == 0) deliver_late();
    }
  }

  void deliver_late() {
    if (late_.to >= 0) deliver(late_);
    late_ = {};
  }

  // It drops packets that find no room, as a router does.
  void deliver(const Packet& packet) {
    if (write(packet.to, packet.bytes.data(), packet.bytes.size()) < 0) ++lost_;
  }

  std::string why_not_;
  End host_, far_;
  UniqueFd over_{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::atomic<Trouble> trouble_{Trouble::kNone};
  std::atomic<int> lost_{0};
  int carried_ = 0;
  Packet late_;
  std::thread carrier_;
};

}  // namespace streaming
