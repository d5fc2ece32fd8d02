// SPDX-License-Identifier: Apache-2.0
#include "answers/hook.h"

#include <string.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "answers/limits.h"
#include "base/base64.h"
#include "config/option.h"
#include "config/profile.h"
#include "config/user_agent.h"

namespace streaming {
namespace {

constexpr std::string_view kSecretPrefix = "whsec_";

Error wrong_secret() {
  static_assert(kMinHookSecretBytes == 24 && kMaxHookSecretBytes == 64);
  return Error{"must be \"whsec_\" and base64 of 24 to 64 random bytes; \"echo whsec_$(openssl rand -base64 32)\" makes "
               "one"};
}

}  // namespace

Result<SigningKeys> SigningKeys::parse(std::string_view text) {
  SigningKeys keys;
  while (!text.empty()) {
    std::string_view secret = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(secret.size() + 1, text.size()));
    if (secret.empty()) continue;
    if (!secret.starts_with(kSecretPrefix)) return wrong_secret();
    secret.remove_prefix(kSecretPrefix.size());
    const std::size_t bytes = base64_decoded_size(secret).value_or(0);
    if (bytes < kMinHookSecretBytes || bytes > kMaxHookSecretBytes) return wrong_secret();
    std::string key = decode_base64(secret);
    keys.keys_.emplace_back(key);
    explicit_bzero(key.data(), key.size());
  }
  if (keys.keys_.empty()) return wrong_secret();
  return keys;
}

std::string SigningKeys::sign(std::string_view id, std::string_view timestamp, std::string_view body) const {
  std::string signatures;
  for (const HmacSha256Key& key : keys_) {
    const std::optional<HmacSha256> signature = key.sign({id, ".", timestamp, ".", body});
    if (!signature) return {};
    signatures += signatures.empty() ? "v1," : " v1,";
    append_base64(signatures, {signature->data(), signature->size()});
  }
  return signatures;
}

Result<Hooks> make_hooks(const Config& config) {
  Hooks hooks;
  for (const auto& [name, texts] : config.hooks) {
    const Config own = with_profile(config, kHooks, texts);
    const std::string place = std::string(kHooks.table) + "." + name;
    if (own.hook_url.empty()) return Error{place + " has no url: set where its reports go"};
    Result<SigningKeys> keys = SigningKeys::parse(own.hook_secret);
    if (!keys && own.hook_secret.empty()) {
      return Error{place + " has no secret, and reports are never sent unsigned: set secret_file"};
    }
    if (!keys) return Error{"the secret of " + place + " " + keys.error().message};
    hooks.emplace(name, Hook{.url = own.hook_url,
                             .socket = own.hook_socket,
                             .ca_file = own.hook_ca_file,
                             .insecure_ssl = own.hook_insecure_ssl,
                             .timeout = own.hook_timeout,
                             .keys = std::move(*keys),
                             .user_agent = user_agent(own)});
  }
  return hooks;
}

}  // namespace streaming
