// SPDX-License-Identifier: Apache-2.0
#include "protocol/tls_key_schedule.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <array>
#include <cstring>

namespace handoff_protocol {
namespace {

OSSL_PARAM text(const char* name, const char* value) {
  return OSSL_PARAM_construct_utf8_string(name, const_cast<char*>(value), 0);
}

OSSL_PARAM bytes(const char* name, std::span<const std::uint8_t> value) {
  return OSSL_PARAM_construct_octet_string(name, const_cast<std::uint8_t*>(value.data()), value.size());
}

bool derive(const char* function, const OSSL_PARAM* params, std::span<std::uint8_t> into) {
  EVP_KDF* kdf = EVP_KDF_fetch(nullptr, function, nullptr);
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(kdf);
  EVP_KDF_free(kdf);
  const bool derived = context != nullptr && EVP_KDF_derive(context, into.data(), into.size(), params) > 0;
  EVP_KDF_CTX_free(context);
  return derived;
}

// HKDF-Expand-Label with an empty context.
bool expand_label(Aead aead, std::span<const std::uint8_t> secret, const char* label, std::span<std::uint8_t> into) {
  const auto label_bytes = [](const char* of) {
    return std::span(reinterpret_cast<const std::uint8_t*>(of), std::strlen(of));
  };
  const OSSL_PARAM params[] = {
      text(OSSL_KDF_PARAM_MODE, "EXPAND_ONLY"),
      text(OSSL_KDF_PARAM_DIGEST, aead == Aead::kAes256Gcm ? "SHA384" : "SHA256"),
      bytes(OSSL_KDF_PARAM_KEY, secret),
      bytes(OSSL_KDF_PARAM_PREFIX, label_bytes("tls13 ")),
      bytes(OSSL_KDF_PARAM_LABEL, label_bytes(label)),
      OSSL_PARAM_construct_end(),
  };
  return derive("TLS13-KDF", params, into);
}

}  // namespace

bool derive_traffic_keys(Aead aead, TlsDirection& direction) {
  const auto secret = std::span(direction.secret).first(secret_bytes(TlsVersion::k13, aead));
  direction.sequence = 0;
  return expand_label(aead, secret, "key", std::span(direction.key).first(key_bytes(aead))) &&
         expand_label(aead, secret, "iv", direction.iv);
}

bool update_traffic_keys(Aead aead, TlsDirection& direction) {
  const auto secret = std::span(direction.secret).first(secret_bytes(TlsVersion::k13, aead));
  std::array<std::uint8_t, sizeof direction.secret> next{};
  const bool expanded = expand_label(aead, secret, "traffic upd", std::span(next).first(secret.size()));
  direction.secret = next;
  OPENSSL_cleanse(next.data(), next.size());
  return expanded && derive_traffic_keys(aead, direction);
}

bool derive_key_block(const char* digest, std::span<const std::uint8_t> master_secret,
                      std::span<const std::uint8_t> client_random, std::span<const std::uint8_t> server_random,
                      TlsState& tls) {
  constexpr char kLabel[] = "key expansion";
  const OSSL_PARAM params[] = {
      text(OSSL_KDF_PARAM_DIGEST, digest),
      bytes(OSSL_KDF_PARAM_SECRET, master_secret),
      bytes(OSSL_KDF_PARAM_SEED, {reinterpret_cast<const std::uint8_t*>(kLabel), sizeof kLabel - 1}),
      bytes(OSSL_KDF_PARAM_SEED, server_random),
      bytes(OSSL_KDF_PARAM_SEED, client_random),
      OSSL_PARAM_construct_end(),
  };
  const std::size_t key = key_bytes(tls.aead);
  const std::size_t iv = iv_bytes(TlsVersion::k12, tls.aead);
  std::array<std::uint8_t, 2 * (sizeof tls.to_client.key + sizeof tls.to_client.iv)> block;
  const bool derived = derive("TLS1-PRF", params, std::span(block).first(2 * (key + iv)));
  std::memcpy(tls.from_client.key.data(), block.data(), key);
  std::memcpy(tls.to_client.key.data(), block.data() + key, key);
  std::memcpy(tls.from_client.iv.data(), block.data() + 2 * key, iv);
  std::memcpy(tls.to_client.iv.data(), block.data() + 2 * key + iv, iv);
  OPENSSL_cleanse(block.data(), block.size());
  return derived;
}

}  // namespace handoff_protocol
