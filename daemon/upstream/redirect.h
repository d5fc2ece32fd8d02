// SPDX-License-Identifier: Apache-2.0
// Which redirects are followed. Pure.

#pragma once

#include <optional>
#include <string>

namespace streaming {

// The URL that a request for `url` is to be sent to again, with its body, after an answer with this status and Location:
// by 307 or 308, to the same scheme, host and port, so that no key goes elsewhere. Nothing for all others.
std::optional<std::string> redirect_target(const std::string& url, int status, const std::string& location);

}  // namespace streaming
