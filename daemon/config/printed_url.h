// SPDX-License-Identifier: Apache-2.0
// URLs as they may be printed and logged. Pure.

#pragma once

#include <string>
#include <string_view>

namespace streaming {

// With "***" in place of what may be a secret: the user and password before the host, and each value of the query but
// api-version's. A text that is no URL may hold the same.
std::string printed_url(std::string_view url);

}  // namespace streaming
