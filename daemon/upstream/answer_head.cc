// SPDX-License-Identifier: Apache-2.0
#include "upstream/answer_head.h"

#include <strings.h>

#include "upstream/limits.h"

namespace streaming {

bool AnswerHead::add(std::string_view name, std::string_view value) {
  bytes += name.size() + value.size();
  if (bytes > kMaxUpstreamHeadBytes) return false;
  const auto keep_as = [name, value](std::string_view header, std::string& kept) {
    if (name.size() == header.size() && strncasecmp(name.data(), header.data(), name.size()) == 0) kept = value;
  };
  keep_as("content-type", content_type);
  keep_as("content-encoding", content_encoding);
  keep_as("retry-after", retry_after);
  keep_as("retry-after-ms", retry_after_ms);
  keep_as("content-location", content_location);
  keep_as("location", location);
  return true;
}

HttpHead AnswerHead::view() const {
  return {.status = status,
          .content_type = content_type,
          .content_encoding = content_encoding,
          .retry_after = retry_after,
          .retry_after_ms = retry_after_ms,
          .content_location = content_location};
}

}  // namespace streaming
