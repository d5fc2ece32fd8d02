// SPDX-License-Identifier: Apache-2.0
// HTTP/2 from a server that sends any frames in any order, while requests begin, pause and end and the kernel fails: no
// invariant breaks, each receiver is called as HttpReceiver promises, and nothing is left.

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "support/fake_ring.h"
#include "support/http_client_loop.h"
#include "upstream/http2_client.h"

namespace streaming {
namespace {

using namespace std::string_literals;

constexpr unsigned kSequences = 300;
constexpr int kSteps = 150;
constexpr std::size_t kMaxRequests = 12;

enum class FrameType : std::uint8_t {
  kDataFrame = 0,
  kHeadersFrame = 1,
  kResetFrame = 3,
  kSettingsFrame = 4,
  kPingFrame = 6,
  kGoAwayFrame = 7,
  kWindowFrame = 8,
};
constexpr std::uint8_t kNoFlag = 0, kAcknowledgement = 1, kEndStream = 1, kEndHeaders = 4;
constexpr std::uint32_t kMaxConcurrentStreams = 3;  // a setting
constexpr std::array<std::uint32_t, 6> kCodes{0, 1, 7, 8, 11, 13};  // why a stream or a connection ends
constexpr std::size_t kFrameHeadBytes = 9, kPrefaceBytes = 24;

std::string bytes_of(std::uint32_t number, int count) {
  std::string bytes;
  for (int at = count - 1; at >= 0; --at) bytes += static_cast<char>(number >> (8 * at));
  return bytes;
}

std::uint32_t number_at(std::string_view bytes, std::size_t at, std::size_t count) {
  std::uint32_t number = 0;
  for (const char byte : bytes.substr(at, count)) number = number << 8 | static_cast<std::uint8_t>(byte);
  return number;
}

std::string frame(FrameType type, std::uint8_t flags, std::uint32_t stream, const std::string& payload) {
  return bytes_of(static_cast<std::uint32_t>(payload.size()), 3) + static_cast<char>(type) + static_cast<char>(flags) +
         bytes_of(stream, 4) + payload;
}

// The server's end of a connection.
struct Peer {
  void on_sent(std::string_view bytes) {
    unread.append(bytes);
    for (;;) {
      const std::size_t frame_bytes = unread.size() < kFrameHeadBytes ? 0 : kFrameHeadBytes + number_at(unread, 0, 3);
      const std::size_t next = preface_read ? frame_bytes : kPrefaceBytes;
      if (next == 0 || unread.size() < next) return;
      const std::uint32_t stream = preface_read ? number_at(unread, 5, 4) : 0;
      const auto type = static_cast<FrameType>(unread[3]);
      if (preface_read && type == FrameType::kHeadersFrame) streams[stream] = false;
      if (preface_read && type == FrameType::kResetFrame) streams.erase(stream);
      unread.erase(0, next);
      preface_read = true;
    }
  }

  std::string unread;
  bool preface_read = false;
  bool greeted = false;  // has sent the first SETTINGS
  std::map<std::uint32_t, bool> streams;  // those that are open; whether its head was sent
};

// A client with its server, and all that happens to both.
class World {
 public:
  explicit World(unsigned seed) : random_(seed) {
    completions_.enter<&SocketWatches::on_ready>(Operation::kUpstreamReady, watches_);
    transport_.enter_at(completions_);
    ring_.set_handler(completions_);
    start();
  }

  void step() {
    std::shuffle(ring_.pending.begin(), ring_.pending.end(), random_);
    const std::uint32_t choice = random(20);
    if (choice < 1) start();
    if (choice == 1) use_a_request();
    if (choice == 2) ring_.complete_cancelled();
    if (choice == 3) connect();
    if (choice > 3 && choice < 10) send();
    if (choice >= 10) receive();
    const bool is_long = random(80) == 0;
    pass(Duration(is_long ? 6'000 : random(4)));
  }

  // All clients leave, the server ends its connections, and time passes.
  void end() {
    receivers_.clear();
    for (int round = 0; round < 100 && client_.connections() > 0; ++round) {
      ring_.complete_cancelled();
      for (const Operation operation : {Operation::kUpstreamConnect, Operation::kUpstreamSend,
                                        Operation::kUpstreamWritable, Operation::kUpstreamReceive}) {
        while (ring_.count(operation) > 0) ring_.complete(operation, -ECONNRESET);
      }
      pass(Duration(1000));
    }
    EXPECT_EQ(client_.connections(), 0u);
  }

  const std::vector<std::unique_ptr<RecordingReceiver>>& receivers() const { return receivers_; }

 private:
  std::uint32_t random(std::uint32_t below) { return static_cast<std::uint32_t>(random_()) % below; }
  template <typename T, std::size_t kSize>
  const T& one_of(const std::array<T, kSize>& choices) {
    return choices[random(kSize)];
  }

  // A frame that the server may send now, except once in a while.
  std::string any_frame(Peer& peer) {
    if (!std::exchange(peer.greeted, true) && random(20) > 0) return frame(FrameType::kSettingsFrame, kNoFlag, 0, "");
    if (random(100) == 0) {
      return frame(static_cast<FrameType>(random(12)), static_cast<std::uint8_t>(random(256)), random(30),
                   std::string(random(12), static_cast<char>(random(256))));
    }
    if (peer.streams.empty() || random(8) == 0) {
      constexpr std::array<std::uint32_t, 5> kLimits{0, 1, 3, 100, 100};
      switch (random(8)) {
        case 0:
          return frame(FrameType::kSettingsFrame, kAcknowledgement, 0, "");
        case 1:
          return frame(FrameType::kGoAwayFrame, kNoFlag, 0, bytes_of(random(20), 4) + bytes_of(one_of(kCodes), 4));
        case 2:
        case 3:
          return frame(FrameType::kPingFrame, static_cast<std::uint8_t>(random(2)), 0, "12345678");
        case 4:
          return frame(FrameType::kWindowFrame, kNoFlag, 0, bytes_of(1 + random(100), 4));
        default:
          return frame(FrameType::kSettingsFrame, kNoFlag, 0,
                       bytes_of(kMaxConcurrentStreams, 2) + bytes_of(one_of(kLimits), 4));
      }
    }
    const std::uint32_t chosen = random(static_cast<std::uint32_t>(peer.streams.size()));
    return frame_of_stream(peer, *std::next(peer.streams.begin(), chosen));
  }
  std::string frame_of_stream(Peer& peer, std::pair<const std::uint32_t, bool>& entry) {
    // 200, 404, 103, and a redirection to /x.
    static const std::array kHeads{"\x88"s, "\x88"s, "\x88"s, "\x8d"s, "\x08\x03"s + "103",
                                   "\x08\x03"s + "302\x0f\x1f\x02/x"};
    const std::uint32_t stream = entry.first;
    const std::uint8_t end = random(6) == 0 ? kEndStream : kNoFlag;
    if (random(20) == 0) {
      peer.streams.erase(stream);
      return frame(FrameType::kResetFrame, kNoFlag, stream, bytes_of(one_of(kCodes), 4));
    }
    if (random(10) == 0) return frame(FrameType::kWindowFrame, kNoFlag, stream, bytes_of(1 + random(100'000), 4));
    const bool is_head = entry.second ? random(60) == 0 : random(60) > 0;
    entry.second = entry.second || is_head;
    if (end == kEndStream) peer.streams.erase(stream);
    if (is_head) return frame(FrameType::kHeadersFrame, kEndHeaders | end, stream, one_of(kHeads));
    return frame(FrameType::kDataFrame, end, stream, std::string(random(40), 'x'));
  }

  void start() {
    if (receivers_.size() == kMaxRequests) return;
    RecordingReceiver& receiver = *receivers_.emplace_back(std::make_unique<RecordingReceiver>());
    receiver.transfer = client_.start(HttpRequest{.url = "http://127.0.0.1:1/",
                                                  .headers = {},
                                                  .body = std::string(random(3) == 0 ? 100'000 : random(20), 'b'),
                                                  .version = HttpVersion::kHttp2PriorKnowledge},
                                      receiver);
  }
  void use_a_request() {
    if (receivers_.empty()) return;
    const auto chosen = receivers_.begin() + random(static_cast<std::uint32_t>(receivers_.size()));
    HttpTransfer* const transfer = (*chosen)->transfer.get();
    if (transfer == nullptr) return;
    switch (random(6)) {
      case 0:
      case 1:
        return transfer->pause();
      case 2:
      case 3:
        return transfer->resume();
      case 4:
        transfer->let_finish();
        break;
    }
    receivers_.erase(chosen);
  }

  void connect() {
    if (ring_.count(Operation::kUpstreamConnect) == 0) return;
    ring_.complete(Operation::kUpstreamConnect, random(30) == 0 ? -ECONNREFUSED : 0);
  }
  void send() {
    if (ring_.count(Operation::kUpstreamWritable) > 0) ring_.complete(Operation::kUpstreamWritable, POLLOUT);
    if (ring_.count(Operation::kUpstreamSend) == 0) return;
    if (random(16) == 0) return ring_.complete(Operation::kUpstreamSend, -EAGAIN);
    if (random(100) == 0) return ring_.complete(Operation::kUpstreamSend, -EPIPE);
    const FakeRing::Submitted send = ring_.find(Operation::kUpstreamSend);
    const auto bytes = static_cast<std::uint32_t>(send.bytes.size());
    const std::uint32_t sent = random(8) == 0 ? 1 + random(bytes) : bytes;
    peer_of(send).on_sent(std::string_view(send.bytes).substr(0, sent));
    ring_.complete(Operation::kUpstreamSend, static_cast<std::int32_t>(sent));
  }
  void receive() {
    if (ring_.count(Operation::kUpstreamReceive) == 0) return;
    Peer& peer = peer_of(ring_.find(Operation::kUpstreamReceive));
    if (random(20) == 0) return ring_.complete(Operation::kUpstreamReceive, -ENOBUFS);
    if (random(100) == 0) return ring_.complete(Operation::kUpstreamReceive, random(2) == 0 ? 0 : -ECONNRESET);
    std::string bytes;
    for (std::uint32_t left = 1 + random(3); left > 0; --left) bytes += any_frame(peer);
    ring_.complete(Operation::kUpstreamReceive, static_cast<std::int32_t>(bytes.size()), random(5) != 0, bytes);
  }
  Peer& peer_of(const FakeRing::Submitted& operation) {
    return peers_[Tag{Operation::kNone, operation.tag.slot}.encode()];
  }
  void pass(Duration time) {
    timers_.set_now(timers_.now() + time);
    timers_.expire();
    timers_.end_turn();
  }

  std::minstd_rand random_;
  FakeRing ring_;
  TimerWheel timers_{Time(Duration(1000))};
  SocketWatches watches_{ring_};
  Resolver resolver_{watches_, timers_};
  HttpTransport transport_{ring_, timers_, resolver_};
  Http1Client http1_{transport_};
  Http2Client client_{transport_, http1_};
  std::map<std::uint64_t, Peer> peers_;  // by their connections' slots
  std::vector<std::unique_ptr<RecordingReceiver>> receivers_;
  CompletionTable completions_;
};

TEST(Http2Frames, AnyFramesOfAServerBreakNoInvariantAndLeaveNothing) {
  log::set_level(log::Level::kOff);
  ASSERT_TRUE(UpstreamClient::start_library().ok());
  int heads = 0, whole = 0, broken = 0;
  for (unsigned sequence = 0; sequence < kSequences && !testing::Test::HasFailure(); ++sequence) {
    SCOPED_TRACE("sequence " + std::to_string(sequence));
    World world(sequence);
    for (int at = 0; at < kSteps; ++at) world.step();
    for (const auto& receiver : world.receivers()) {
      heads += receiver->status != 0;
      whole += receiver->finished && receiver->error.empty();
      broken += !receiver->error.empty();
    }
    world.end();
  }
  // The sequences reach what they are to try.
  EXPECT_GT(heads, 100);
  EXPECT_GT(whole, 50);
  EXPECT_GT(broken, 50);
}

}  // namespace
}  // namespace streaming
