// SPDX-License-Identifier: Apache-2.0
// Hook: where reports go and how they are signed. SigningKeys: a hook's secret, which signs as Standard Webhooks have
// it (https://www.standardwebhooks.com).
//
// Made by each worker from the settings, at the start and at each reload; then only read, on its thread.

#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"
#include "tls/hmac.h"

namespace streaming {

class SigningKeys {
 public:
  // "whsec_BASE64"; several are separated by spaces. The Error contains none of it.
  static Result<SigningKeys> parse(std::string_view text);

  // The header webhook-signature of a message: "v1,BASE64", one for each key. Empty if OpenSSL has no memory.
  std::string sign(std::string_view id, std::string_view timestamp, std::string_view body) const;

 private:
  std::vector<HmacSha256Key> keys_;
};

struct Hook {
  std::string url;
  std::string socket;   // empty: TCP
  std::string ca_file;  // empty: the system's
  bool insecure_ssl = false;
  Duration timeout{0};
  SigningKeys keys;
  std::string user_agent;
};

using Hooks = std::map<std::string, Hook, std::less<>>;

// The Error names the hook and the setting.
Result<Hooks> make_hooks(const Config& config);

}  // namespace streaming
