// SPDX-License-Identifier: Apache-2.0
// ClientError: what a client is told of a failure, in an event or as a whole answer. A value, which borrows its texts.

#pragma once

#include <string_view>

#include "base/buffer.h"

namespace streaming {

struct ClientError {
  std::string_view message;     // for people: no internals
  std::string_view code;        // for programs: docs/PROTOCOL.md lists the codes
  int retry_after_seconds = 0;  // 0: unknown
};

// Appends "NAME":"MESSAGE","code":"CODE" and, if it is known, "retry_after":SECONDS: members of a JSON object.
void append_members(Buffer& out, std::string_view name, const ClientError& error);

// The members "code" and "retry_after" alone.
void append_code(Buffer& out, const ClientError& error);

}  // namespace streaming
