// SPDX-License-Identifier: Apache-2.0
#include "tls/hmac.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>

namespace streaming {
namespace {

const unsigned char* octets(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

void HmacSha256Key::Free::operator()(evp_mac_ctx_st* context) const {
  EVP_MAC_CTX_free(context);
}

HmacSha256Key::HmacSha256Key(std::string_view key) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
  if (mac != nullptr) keyed_.reset(EVP_MAC_CTX_new(mac.get()));
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  if (keyed_ != nullptr && EVP_MAC_init(keyed_.get(), octets(key), key.size(), parameters) == 1) return;
  keyed_.reset();
  ERR_clear_error();  // the worker's other users of OpenSSL read the thread's errors
}

std::optional<HmacSha256> HmacSha256Key::sign(std::initializer_list<std::string_view> parts) const {
  const Context context(keyed_ == nullptr ? nullptr : EVP_MAC_CTX_dup(keyed_.get()));
  HmacSha256 result;
  const bool made =
      context != nullptr &&
      std::all_of(parts.begin(), parts.end(),
                  [&](std::string_view part) {
                    return EVP_MAC_update(context.get(), octets(part), part.size()) == 1;
                  }) &&
      EVP_MAC_final(context.get(), reinterpret_cast<unsigned char*>(result.data()), nullptr, result.size()) == 1;
  if (made) return result;
  ERR_clear_error();
  return std::nullopt;
}

}  // namespace streaming
