// SPDX-License-Identifier: Apache-2.0
// The key schedule of TLS behind its handshake: from a connection's secrets to the keys of its records. RFC 8446,
// sections 7.1 to 7.3, and RFC 5246, section 6.3; computed by OpenSSL's EVP_KDF.
//
// Pure functions, any thread. Each returns false if OpenSSL fails, that is, without memory or without the algorithm;
// the state is of no use then.

#pragma once

#include <cstdint>
#include <span>

#include "protocol/connection_part.h"

namespace handoff_protocol {

// TLS 1.3: the key and the IV of a traffic secret, for records from the sequence number 0 on.
[[nodiscard]] bool derive_traffic_keys(Aead aead, TlsDirection& direction);

// TLS 1.3: the next secret, key and IV, behind a KeyUpdate.
[[nodiscard]] bool update_traffic_keys(Aead aead, TlsDirection& direction);

// TLS 1.2: key and IV of both directions. `digest` is the OpenSSL name of the suite's hash, such as "SHA256"; the
// randoms have 32 bytes each. Does not set the sequence numbers.
[[nodiscard]] bool derive_key_block(const char* digest, std::span<const std::uint8_t> master_secret,
                                    std::span<const std::uint8_t> client_random,
                                    std::span<const std::uint8_t> server_random, TlsState& tls);

}  // namespace handoff_protocol
