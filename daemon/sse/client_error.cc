// SPDX-License-Identifier: Apache-2.0
#include "sse/client_error.h"

#include <string>

#include "sse/json_text.h"

namespace streaming {

void append_members(Buffer& out, std::string_view name, const ClientError& error) {
  out.append('"');
  out.append(name);
  out.append("\":\"");
  append_json_text(out, error.message);
  out.append("\",");
  append_code(out, error);
}

void append_code(Buffer& out, const ClientError& error) {
  out.append("\"code\":\"");
  out.append(error.code);
  out.append('"');
  if (error.retry_after_seconds == 0) return;
  out.append(",\"retry_after\":");
  out.append(std::to_string(error.retry_after_seconds));
}

}  // namespace streaming
