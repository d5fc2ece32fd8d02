// SPDX-License-Identifier: Apache-2.0
#include "base/result.h"

#include <system_error>

namespace streaming {

Error Error::from_errno(std::string message, int code) {
  message += ": ";
  message += std::generic_category().message(code);
  return Error{std::move(message), code};
}

}  // namespace streaming
