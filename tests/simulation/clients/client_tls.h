// SPDX-License-Identifier: Apache-2.0
// ClientTls: a client's side of TLS behind a handshake that never took place: the seed decides the keys, and so a run
// is the same each time, and no handshake has to be computed. What the daemon sends is opened with the sequence number
// that is due, so that a nonce used twice, a record left out and a key that is too old show as records that cannot be
// opened.
//
// One thread, the world's.

#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/connection_part.h"
#include "simulation/random.h"
#include "support/hostile_tls_client.h"
#include "tls/tls_ciphers.h"

namespace streaming::simulation {

class ClientTls {
 public:
  explicit ClientTls(Random& random);

  // The server's side, as mod_socket_handoff hands it over: from what was sealed so far on.
  const handoff_protocol::TlsState& server_state() const { return state_; }
  bool is_13() const { return state_.version == handoff_protocol::TlsVersion::k13; }
  // Whether the daemon cannot make as many records as an answer may need (TLS 1.2 has no KeyUpdate).
  bool may_run_out_of_records() const { return runs_out_; }

  // Reads any part of what the daemon sends; returns the text in it.
  std::string open(std::string_view bytes);
  // close_notify has come, the only clean end.
  bool has_clean_end() const { return has_clean_end_; }
  bool has_fatal_alert() const { return has_fatal_alert_; }
  bool has_cut_record() const { return !incomplete_.empty(); }
  std::size_t key_updates() const { return key_updates_; }
  // What no client should have to read; empty: nothing.
  const std::string& problem() const { return problem_; }

  // Records with this text. Behind the last of these the state is fixed that server_state() has.
  std::string seal(std::string_view text) { return sealer_.record(kApplicationData, text); }
  std::string close_notify() { return sealer_.record(kAlert, std::string_view("\1\0", 2)); }
  std::string update_keys(bool requests_update);
  HostileTlsClient& sealer() { return sealer_; }

 private:
  static constexpr int kAlert = 21;
  static constexpr int kHandshake = 22;
  static constexpr int kApplicationData = 23;

  static handoff_protocol::TlsState draw_state(Random& random);
  std::size_t overhead() const;
  bool has_explicit_nonce() const;
  void take_record(std::string record, std::string& text);
  void take(int type, std::string_view content, std::string& text);
  void take_handshake(std::string_view message);
  void complain(const std::string& what);

  const handoff_protocol::TlsState state_;
  handoff_protocol::TlsDirection to_client_;
  HostileTlsClient sealer_;
  TlsCiphers ciphers_;
  std::string incomplete_;
  std::string problem_;
  std::uint64_t next_explicit_nonce_ = 0;  // the lowest that was not used
  std::size_t key_updates_ = 0;
  const bool runs_out_;
  bool has_clean_end_ = false;
  bool has_fatal_alert_ = false;
};

}  // namespace streaming::simulation
