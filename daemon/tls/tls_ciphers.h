// SPDX-License-Identifier: Apache-2.0
// TlsCiphers: the AEADs of TLS records, by OpenSSL's EVP. One context for each AEAD and direction serves all
// connections of a worker: it is given its key with each record, so that a connection that waits needs none.
//
// One per worker, on its thread. A context is created when it is first used, and keeps the key schedule of the last
// record until it is given the next key.

#pragma once

#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "protocol/connection_part.h"

namespace streaming {

// What protects one record besides the key.
struct RecordProtection {
  std::array<std::uint8_t, 12> nonce;
  std::span<const std::uint8_t> additional;  // data that is authenticated, and not part of the ciphertext
};

class TlsCiphers {
 public:
  static constexpr std::size_t kTagBytes = 16;

  // Encrypts `text`, and behind it `trailer`, to `into`, and puts the tag behind them. False if OpenSSL fails: for lack
  // of memory, or because it has no such AEAD.
  [[nodiscard]] bool seal(handoff_protocol::Aead aead, const handoff_protocol::TlsDirection& keys,
                          const RecordProtection& protection, std::string_view text, std::string_view trailer,
                          char* into);

  // Decrypts in place what is before the tag. False if the record is not what the peer has sealed.
  [[nodiscard]] bool open(handoff_protocol::Aead aead, const handoff_protocol::TlsDirection& keys,
                          const RecordProtection& protection, std::span<char> text_and_tag);

 private:
  struct FreeContext {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

  enum Direction { kOpen, kSeal };  // as EVP_CipherInit_ex2() has it

  // Ready for a record; null if OpenSSL fails.
  EVP_CIPHER_CTX* context_for(Direction direction, handoff_protocol::Aead aead,
                              const handoff_protocol::TlsDirection& keys, const RecordProtection& protection);

  std::array<std::array<Context, 2>, 3> contexts_;  // by AEAD and direction
};

}  // namespace streaming
