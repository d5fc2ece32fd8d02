// SPDX-License-Identifier: Apache-2.0
#include "tls/tls_ciphers.h"

#include <openssl/err.h>

#include "base/check.h"

namespace streaming {

using handoff_protocol::Aead;
using handoff_protocol::TlsDirection;

namespace {

struct NamedAead {
  const char* name;  // OpenSSL's
  std::size_t index;
};

NamedAead named(Aead aead) {
  switch (aead) {
    case Aead::kAes128Gcm:
      return {"AES-128-GCM", 0};
    case Aead::kAes256Gcm:
      return {"AES-256-GCM", 1};
    case Aead::kChaCha20Poly1305:
      return {"ChaCha20-Poly1305", 2};
  }
  CHECK(!"an AEAD of the protocol");
}

EVP_CIPHER_CTX* make_context(const char* name, int encrypts) {
  EVP_CIPHER* cipher = EVP_CIPHER_fetch(nullptr, name, nullptr);
  EVP_CIPHER_CTX* context = cipher == nullptr ? nullptr : EVP_CIPHER_CTX_new();
  if (context != nullptr && EVP_CipherInit_ex2(context, cipher, nullptr, nullptr, encrypts, nullptr) != 1) {
    EVP_CIPHER_CTX_free(context);
    context = nullptr;
  }
  EVP_CIPHER_free(cipher);  // the context has a reference of its own
  return context;
}

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The worker's other users of OpenSSL read the thread's errors, and must not find ours.
bool succeeded(bool success) {
  if (!success) ERR_clear_error();
  return success;
}

}  // namespace

EVP_CIPHER_CTX* TlsCiphers::context_for(Direction direction, Aead aead, const TlsDirection& keys,
                                        const RecordProtection& protection) {
  const auto [name, index] = named(aead);
  Context& context = contexts_[index][direction];
  if (context == nullptr) context.reset(make_context(name, direction));
  if (context == nullptr) return nullptr;
  int written = 0;
  const bool ready =
      EVP_CipherInit_ex2(context.get(), nullptr, keys.key.data(), protection.nonce.data(), direction, nullptr) == 1 &&
      EVP_CipherUpdate(context.get(), nullptr, &written, protection.additional.data(),
                       static_cast<int>(protection.additional.size())) == 1;
  return ready ? context.get() : nullptr;
}

bool TlsCiphers::seal(Aead aead, const TlsDirection& keys, const RecordProtection& protection, std::string_view text,
                      std::string_view trailer, char* into) {
  auto* out = reinterpret_cast<unsigned char*>(into);
  EVP_CIPHER_CTX* const context = context_for(kSeal, aead, keys, protection);
  if (context == nullptr) return succeeded(false);
  for (const std::string_view part : {text, trailer}) {
    int written = 0;
    if (part.empty()) continue;
    if (EVP_EncryptUpdate(context, out, &written, bytes(part), static_cast<int>(part.size())) != 1) {
      return succeeded(false);
    }
    out += written;
  }
  int written = 0;
  return succeeded(EVP_EncryptFinal_ex(context, out, &written) == 1 &&
                   EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, kTagBytes, out) == 1);
}

bool TlsCiphers::open(Aead aead, const TlsDirection& keys, const RecordProtection& protection,
                      std::span<char> text_and_tag) {
  CHECK(text_and_tag.size() >= kTagBytes);
  auto* text = reinterpret_cast<unsigned char*>(text_and_tag.data());
  const std::size_t text_bytes = text_and_tag.size() - kTagBytes;
  EVP_CIPHER_CTX* const context = context_for(kOpen, aead, keys, protection);
  int written = 0;
  return succeeded(
      context != nullptr && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, kTagBytes, text + text_bytes) == 1 &&
      (text_bytes == 0 || EVP_DecryptUpdate(context, text, &written, text, static_cast<int>(text_bytes)) == 1) &&
      EVP_DecryptFinal_ex(context, text + text_bytes, &written) == 1);
}

}  // namespace streaming
