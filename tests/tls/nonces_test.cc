// SPDX-License-Identifier: Apache-2.0
// No nonce is used twice with a key, in whatever order things happen: an observer who knows the server's keys reads all
// that goes to the client, from the handshake on.

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/tls_key_schedule.h"
#include "tls/suites.h"

namespace streaming {
namespace {

using handoff_protocol::Aead;
using handoff_protocol::TlsState;
using handoff_protocol::TlsVersion;

// Opens each record by trying numbers, so that it learns which nonce has sealed it; it does not assume that they count.
class Observer {
 public:
  explicit Observer(const TlsState& state) : state_(state) {}

  // Whole records. Those of the handshake, with other keys, are passed over.
  void read(std::string_view records) {
    while (!records.empty()) {
      const std::size_t bytes = 5 + (std::size_t{byte(records[3])} << 8 | byte(records[4]));
      read_record(records.substr(0, bytes));
      records.remove_prefix(bytes);
    }
  }
  int opened() const { return opened_; }
  int reused() const { return reused_; }

 private:
  using Nonce = std::array<std::uint8_t, 12>;

  static std::uint8_t byte(char letter) { return static_cast<std::uint8_t>(letter); }

  void read_record(std::string_view record) {
    // The likeliest first; those before it may have been used again.
    std::optional<std::string> text = opened_by(next_, record);
    for (std::uint64_t tried = 0; !text && tried < next_ + 3; ++tried) text = opened_by(tried, record);
    if (!text || state_.version == TlsVersion::k12) return;
    const std::size_t type = text->find_last_not_of('\0');
    if ((*text)[type] == 22 && text->starts_with('\x18')) {  // a KeyUpdate
      EXPECT_TRUE(handoff_protocol::update_traffic_keys(state_.aead, state_.to_client));
      next_ = 0;
    }
  }

  std::optional<std::string> opened_by(std::uint64_t number, std::string_view record) {
    const bool is_13 = state_.version == TlsVersion::k13;
    const bool has_explicit_nonce = !is_13 && state_.aead != Aead::kChaCha20Poly1305;
    const std::size_t start = 5 + (has_explicit_nonce ? 8 : 0);
    if (record.size() < start + 16) return std::nullopt;
    std::string text(record.substr(start));
    Nonce nonce = state_.to_client.iv;
    std::string additional;
    for (int i = 0; i < 8; ++i) additional += static_cast<char>(number >> (56 - 8 * i));
    for (int i = 0; i < 8; ++i) {
      nonce[4 + i] = has_explicit_nonce ? byte(record[5 + i]) : nonce[4 + i] ^ byte(additional[i]);
    }
    const std::size_t text_bytes = text.size() - 16;
    additional += record.substr(0, 3);
    additional += {static_cast<char>(text_bytes >> 8), static_cast<char>(text_bytes)};
    if (is_13) additional = record.substr(0, 5);
    const RecordProtection protection{nonce,
                                      {reinterpret_cast<const std::uint8_t*>(additional.data()), additional.size()}};
    if (!ciphers_.open(state_.aead, state_.to_client, protection, text)) return std::nullopt;
    ++opened_;
    next_ = std::max(next_, number + 1);
    if (!used_.insert({state_.to_client.key, nonce}).second) ++reused_;
    return text.substr(0, text_bytes);
  }

  TlsState state_;
  TlsCiphers ciphers_;
  std::set<std::pair<std::array<std::uint8_t, 32>, Nonce>> used_;
  std::uint64_t next_ = 0;
  int opened_ = 0;
  int reused_ = 0;
};

class Nonces : public testing::TestWithParam<TlsSetup> {};

INSTANTIATE_TEST_SUITE_P(, Nonces, testing::ValuesIn(kSuites), name_of);

std::string some_text(std::size_t first, std::size_t bytes) {
  static const std::string all = [] {
    std::string numbers;
    for (int i = 0; numbers.size() < 41'000; ++i) numbers += std::to_string(i) + " ";
    return numbers;
  }();
  return all.substr(first, bytes);
}

// Hands `bytes` to `take` in pieces of random lengths.
template <typename Take>
void in_pieces(std::mt19937& random, std::string_view bytes, Take take) {
  while (!bytes.empty()) {
    const std::size_t piece = std::min<std::size_t>(bytes.size(), 1 + random() % (random() % 2 ? 8 : 20'000));
    take(std::string(bytes.substr(0, piece)));
    bytes.remove_prefix(piece);
  }
}

TEST_P(Nonces, AreNeverUsedTwiceInAnyOrderOfHandshakesTicketsTextsAndKeyUpdates) {
  constexpr int kConnections = 20;
  constexpr int kSteps = 12;
  int opened = 0;
  for (std::uint32_t seed = 0; seed < kConnections; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    std::mt19937 random(seed);
    TlsSetup setup = GetParam();
    setup.tickets = random() % 4;
    setup.resumes = random() % 2 == 0;
    setup.exchanges = static_cast<int>(random() % 6);
    TlsPeer client(setup);
    const TlsState state = client.server_state();
    Daemon daemon(state);
    Observer observer(state);
    observer.read(client.sent_by_server());

    std::string to_client, to_daemon, expected, got;
    const auto exchange = [&] {
      in_pieces(random, std::exchange(to_daemon, ""), [&](std::string piece) {
        EXPECT_EQ(daemon.receive(std::move(piece)), TlsConnection::Received::kNothing);
      });
      in_pieces(random, std::exchange(to_client, ""), [&](std::string piece) { got += client.read(piece); });
    };
    for (int step = 0; step < kSteps; ++step) {
      switch (random() % 6) {
        case 0:
          to_daemon += client.write(std::string(1 + random() % 20'000, 'r'));
          break;
        case 1:
          if (setup.version == TlsVersion::k13) to_daemon += client.update_keys(random() % 2 == 0);
          break;
        case 2:
          exchange();
          break;
        default: {
          const std::string text = some_text(random() % 1000, random() % (random() % 2 ? 200 : 40'001));
          const std::string records = daemon.seal(text);
          observer.read(records);
          to_client += records;
          expected += text;
        }
      }
    }
    const std::string end = daemon.seal_close_notify();
    observer.read(end);
    to_client += end;
    exchange();
    EXPECT_TRUE(got == expected) << got.size() << " of " << expected.size() << " bytes; " << client.error();
    EXPECT_TRUE(client.has_clean_end());
    EXPECT_EQ(observer.reused(), 0);
    opened += observer.opened();
  }
  EXPECT_GT(opened, 5 * kConnections);
}

// That the observer would see it.
TEST_P(Nonces, AreSeenToBeUsedTwiceIfTwoConnectionsBeginFromOneState) {
  TlsSetup setup = GetParam();
  setup.exchanges = 2;
  TlsPeer client(setup);
  const TlsState state = client.server_state();
  Observer observer(state);
  observer.read(client.sent_by_server());
  observer.read(Daemon(state).seal("one text"));
  EXPECT_EQ(observer.reused(), 0);
  observer.read(Daemon(state).seal("another text"));
  EXPECT_EQ(observer.reused(), 1);
}

}  // namespace
}  // namespace streaming
