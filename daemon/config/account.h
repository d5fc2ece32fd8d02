// SPDX-License-Identifier: Apache-2.0
// Account: a user or a group of this system, as the operator has named it.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace streaming {

struct Account {
  std::string name;  // or the number, as it was written; empty: none
  std::uint32_t id = 0;

  bool operator==(const Account&) const = default;
};

// By name or by number. A number may be one that the system does not know. The Error says what the text must be.
Result<Account> find_user(std::string_view text);
Result<Account> find_group(std::string_view text);

}  // namespace streaming
