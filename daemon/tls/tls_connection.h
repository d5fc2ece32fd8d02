// SPDX-License-Identifier: Apache-2.0
// TlsConnection: a client's TLS connection behind its handshake. It makes records of what the client is to get, and
// opens the records that the client sends. RFC 8446 (TLS 1.3), RFC 5246 with RFC 5288 and RFC 7905 (TLS 1.2).
//
// One per stream to such a client, owned by it, on the worker's thread. Knows nothing of streams or sockets. Between
// two calls it holds the keys, the sequence numbers and at most the incomplete record that the client has begun; the
// cipher contexts are the worker's (TlsCiphers). Its secrets are wiped when it is destroyed.
//
// No nonce is used twice with a key: one function gives out sequence numbers, and moves on with each (take_sequence()
// in the source); a number is set back only together with the key (update_traffic_keys()); and a connection cannot be
// copied or moved, so that nobody else counts on from the same number. Chance has one place: in TLS 1.2 with GCM,
// Apache's OpenSSL has counted from a random number of 64 bits. That one of our sequence numbers is among those has a
// probability below 2^-39, because a key has at most 2^24 records of each. NIST SP 800-38D asks for 2^-32.

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/buffer.h"
#include "protocol/connection_part.h"

namespace streaming {

class TlsCiphers;

// Takes what is in a client's records, in its order.
class TextReceiver {
 public:
  virtual void on_text(std::string_view text) = 0;

 protected:
  ~TextReceiver() = default;
};

class TlsConnection {
 public:
  explicit TlsConnection(const handoff_protocol::TlsState& state);
  ~TlsConnection();
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;

  // What a call of seal() found.
  enum class Sealing : std::uint8_t {
    kDone,
    kExhausted,  // what one key may protect is used up, and there is no next key: TLS 1.2
    kFailed,     // OpenSSL has failed, for lack of memory; nothing can be sealed any more
  };
  // Appends to `records` the records of `text`, each of kMaxRecordText bytes at most, and before them the KeyUpdate
  // that is due. An empty text makes no record of its own. Unless kDone is returned, `records` may have a part of them.
  [[nodiscard]] Sealing seal(TlsCiphers& ciphers, std::string_view text, Buffer& records);
  // Appends the alert close_notify: all that was sealed is a whole answer. Nothing may be sealed after it.
  [[nodiscard]] Sealing seal_close_notify(TlsCiphers& ciphers, Buffer& records);
  // Appends, once receive() has returned kMalformed, the fatal alert that names the reason. Nothing may be sealed after
  // it.
  [[nodiscard]] Sealing seal_fatal_alert(TlsCiphers& ciphers, Buffer& records);

  // Whether a KeyUpdate is due that the client waits for. A seal() without text answers it.
  bool has_to_answer() const { return key_update_due_ && !ended_; }

  enum class Received : std::uint8_t {
    kNothing,    // to act on
    kClosed,     // close_notify, or another alert that ends the connection
    kMalformed,  // a record that cannot be opened, or breaks the protocol; or OpenSSL has no memory
  };
  // Takes what has come, any part of the stream of records, opens it in place, and gives `texts` the client's text, if
  // somebody wants it. What comes behind the end is dropped, and the end is returned again.
  [[nodiscard]] Received receive(TlsCiphers& ciphers, std::span<char> bytes, TextReceiver* texts = nullptr);
  // What the last receive() has returned.
  Received received() const { return received_; }

  // How much it keeps of a record whose end is still to come.
  std::size_t incomplete_bytes() const { return incomplete_.size(); }
  // Frees that. Nothing may be received any more.
  void drop_incomplete() { incomplete_.reset(); }

 private:
  Sealing seal_record(TlsCiphers& ciphers, std::uint8_t type, std::string_view text, Buffer& records);
  Sealing seal_key_update(TlsCiphers& ciphers, Buffer& records);
  Sealing seal_alert(TlsCiphers& ciphers, std::uint8_t level, std::uint8_t description, Buffer& records);

  std::size_t record_bytes(std::span<const char> bytes);
  std::span<char> complete(TlsCiphers& ciphers, std::span<char> bytes, TextReceiver* texts);
  Received open_record(TlsCiphers& ciphers, std::span<char> record, TextReceiver* texts);
  Received act_on(std::uint8_t type, std::string_view text, TextReceiver* texts);
  Received on_alert(std::string_view alert);
  Received on_handshake(std::string_view text);
  Received on_key_update(std::uint8_t request);
  Received malformed(std::uint8_t alert);

  bool has_explicit_nonce() const;
  std::size_t overhead() const;

  handoff_protocol::TlsDirection from_client_;
  handoff_protocol::TlsDirection to_client_;
  Buffer incomplete_;  // a record whose end is still to come
  const handoff_protocol::TlsVersion version_;
  const handoff_protocol::Aead aead_;
  Received received_ = Received::kNothing;  // the end, once it has come
  std::uint8_t fatal_alert_ = 0;            // that names why it is kMalformed
  std::uint8_t key_updates_ = 0;            // that the client has sent
  std::uint8_t key_update_bytes_ : 3 = 0;   // of a KeyUpdate that the client has begun to send
  bool key_update_due_ : 1 = false;
  bool ended_ : 1 = false;   // the last alert is sealed
  bool failed_ : 1 = false;  // a sequence number was taken, and no record made with it
};

static_assert(sizeof(TlsConnection) <= 232, "each stream over TLS pays for it");

}  // namespace streaming
