// SPDX-License-Identifier: Apache-2.0
// Account: a user or a group of this system, by the name that the operator gave it. A value.

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace streaming {

struct Account {
  std::string name;  // as written, so it may be a number; empty: none
  std::uint32_t id = 0;

  bool operator==(const Account&) const = default;
};

// Find it by name or number. A number need not belong to a known account. The Error reports what the text must be.
Result<Account> find_user(std::string_view text);
Result<Account> find_group(std::string_view text);

}  // namespace streaming
