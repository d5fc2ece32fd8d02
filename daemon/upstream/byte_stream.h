// SPDX-License-Identifier: Apache-2.0
// ByteStream: a connection to a server, on the ring: a socket, with TLS or without. Bytes in, bytes out; what they mean
// is its owner's.
//
// A member of its owner, or a slot of the HttpTransport, on the worker's thread. At most one receive, and one send or wait
// for room, are in flight; it is not destroyed before idle() is true.

#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "ring/ring.h"
#include "upstream/address_race.h"
#include "upstream/origin.h"
#include "upstream/reconnect_gate.h"
#include "upstream/resolver.h"
#include "upstream/tls_session.h"

namespace streaming {

// Whom a ByteStream serves. None of it is called after close(), except on_progress().
class ByteStreamOwner {
 public:
  // From now on bytes can be written.
  virtual void on_open() = 0;
  virtual void on_received_bytes(std::span<const char> bytes) = 0;
  // The connection is of no use any more, and is to be closed.
  virtual void on_lost(ConnectionEnd cause, std::string_view error) = 0;
  // Something was received or sent: there may be something to send, or nothing may be in flight any more.
  virtual void on_progress() = 0;

 protected:
  ~ByteStreamOwner() = default;
};

// What a worker's transports share.
struct ByteStreamEnvironment {
  Ring& ring;
  ConnectAttempts& connects;
  std::vector<char> plaintext;  // one decrypted record at a time, of kTlsRecordBytes
};

class ByteStream final : private AddressRaceOwner {
 public:
  // Its operations' tags, which have to lead to the functions below.
  struct Tags {
    Tag receive;
    Tag send;
    Tag writable;
  };

  // Borrows all.
  ByteStream(ByteStreamOwner& owner, Origin& origin, ByteStreamEnvironment& environment, const Tags& tags);

  // To the first address that answers. The owner bounds the time.
  void open(AddressList addresses);
  bool is_open() const { return open_; }
  // From now on it serves this owner. May be called from within on_open().
  void give_to(ByteStreamOwner& owner) { owner_ = &owner; }
  bool is_secure() const { return tls_.has_value(); }
  // What the server has chosen to speak, by ALPN; empty without TLS.
  std::string_view protocol() const { return tls_ ? tls_->protocol() : std::string_view(); }

  // Appends bytes to what is to be sent next, in one record if they are at most kTlsRecordBytes.
  void write(std::span<const char> bytes);
  // How much is to be sent next.
  std::size_t written() const { return gathered_.size(); }
  // Appends TLS's own end.
  void say_goodbye();
  // Whether flush() can send.
  bool can_send() const { return socket_ && !sending_ && !polling_; }
  bool sending() const { return sending_; }
  // Sends what was written, if there is anything; only if it can_send().
  void flush();

  // After stop_receiving() at most what the ring had received already is still handed out.
  void stop_receiving();
  void go_on_receiving();
  // Whether the server has stated that it has sent all: by TLS's own end if there is TLS.
  bool ended() const { return ended_; }

  void on_received(const Completion& completion);
  void on_sent(const Completion& completion);
  void on_writable(const Completion& completion);

  // Ends it, as far as it goes on, without a word to the server.
  void close();
  bool idle() const { return !receiving_ && !sending_ && !polling_; }

 private:
  // AddressRaceOwner
  void on_connected(UniqueFd socket) override;
  void on_not_connected(const std::string& error) override;

  void receive();
  void handshake();
  void on_bytes(std::span<const char> bytes);
  void read_records();
  void submit_send();
  // `what`: what the server has done.
  void lose(ConnectionEnd cause, std::string_view what);
  std::string lost_because(int error_number) const;

  ByteStreamOwner* owner_;
  Origin& origin_;
  ByteStreamEnvironment& environment_;
  const Tags tags_;
  bool receiving_ = false;  // each true exactly while that operation is in flight
  bool sending_ = false;
  bool polling_ = false;
  bool wants_bytes_ = true;  // else no receive is to be in flight
  bool stopping_ = false;    // the receive in flight was cancelled
  bool open_ = false;
  bool ended_ = false;
  bool closed_ = false;
  AddressRace race_;
  UniqueFd socket_;
  Buffer gathered_;       // to be sent next
  Buffer in_flight_;      // being sent
  std::size_t sent_ = 0;  // of in_flight_
  std::optional<TlsSession> tls_;
};

}  // namespace streaming
