// SPDX-License-Identifier: Apache-2.0
#include "tls/sha1.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <array>

namespace streaming {

std::string sha1_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int bytes = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &bytes, EVP_sha1(), nullptr) != 1) {
    ERR_clear_error();  // the worker's other users of OpenSSL read the thread's errors
    return {};
  }
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < bytes; ++i) hex.append({kDigits[digest[i] >> 4], kDigits[digest[i] & 15]});
  return hex;
}

}  // namespace streaming
