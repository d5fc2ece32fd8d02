// SPDX-License-Identifier: Apache-2.0
// Hides the secrets in a URL, so that it can be printed and logged. Pure.

#pragma once

#include <string>
#include <string_view>

namespace streaming {

// Replaces by "***" what may be a secret: the user and password before the host, and each value of the query except
// api-version's. Also in a text that is not a URL.
std::string printed_url(std::string_view url);

}  // namespace streaming
