// SPDX-License-Identifier: Apache-2.0
#include "tls/hmac.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>

namespace streaming {
namespace {

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

std::optional<HmacSha256> hmac_sha256(std::string_view key, std::initializer_list<std::string_view> parts) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
      mac == nullptr ? nullptr : EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  HmacSha256 result;
  const bool made =
      context != nullptr && EVP_MAC_init(context.get(), octets(key), key.size(), parameters) == 1 &&
      std::all_of(parts.begin(), parts.end(),
                  [&](std::string_view part) {
                    return EVP_MAC_update(context.get(), octets(part), part.size()) == 1;
                  }) &&
      EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(result.data()), nullptr, result.size()) == 1;
  if (made) return result;
  ERR_clear_error();  // the worker's other users of OpenSSL read the thread's errors
  return std::nullopt;
}

}  // namespace streaming
