// SPDX-License-Identifier: Apache-2.0
// TlsClients: how the clients of a generator speak TLS: the connection part that each hand-off has, and the records that
// the daemon sends to each client. TLS 1.3 with AES-256-GCM, which browsers and Apache usually agree on.
//
// There is no handshake. All clients of a process have the same random keys, so that opening a record costs little: the
// cipher keeps its key. To the daemon they look like any other keys. One per generator process.

#pragma once

#include <openssl/evp.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bench/response_reader.h"
#include "protocol/connection_part.h"

namespace streaming::bench {

// What one client has of the daemon's records.
struct TlsRecords {
  std::uint64_t opened = 0;
  bool closed = false;     // the last one was a close_notify
  std::string incomplete;  // the beginning of the next one
};

class TlsClients {
 public:
  static Result<TlsClients> create();

  // What stands in front of the payload.
  const std::string& connection_part() const { return connection_part_; }

  // Opens in place what a client has received, and passes the answer's text to `reader`. False if it is not what the
  // daemon should have sealed.
  [[nodiscard]] bool open(TlsRecords& records, std::span<char> received, ResponseReader& reader);

 private:
  struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };

  TlsClients() = default;

  // Returns the bytes of the complete records, or nothing if one cannot be opened.
  std::optional<std::size_t> open_complete(TlsRecords& records, std::span<char> bytes, ResponseReader& reader);
  bool open_record(TlsRecords& records, std::span<char> record, ResponseReader& reader);
  bool decrypt(std::uint64_t sequence, std::span<char> record);

  std::unique_ptr<EVP_CIPHER_CTX, FreeContext> cipher_;  // with the daemon's key
  handoff_protocol::TlsState state_;
  std::string connection_part_;
};

}  // namespace streaming::bench
