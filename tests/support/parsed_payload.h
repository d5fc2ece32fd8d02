// A hand-off's payload, parsed, with the memory that its views point into.

#pragma once

#include <gtest/gtest.h>

#include <string>

#include "base/json_input.h"
#include "handoff/handoff_request.h"

namespace streaming {

class ParsedPayload {
 public:
  explicit ParsedPayload(std::string payload) : payload_(std::move(payload)) {
    const std::size_t size = payload_.size();
    payload_.append(kJsonPadding, '\0');
    Result<HandoffRequest> parsed = parser_.parse({payload_.data(), size});
    EXPECT_TRUE(parsed.ok()) << (parsed ? "" : parsed.error().message);
    if (parsed) request_ = *parsed;
  }
  const HandoffRequest& request() const { return request_; }

 private:
  std::string payload_;
  HandoffRequestParser parser_;
  HandoffRequest request_;
};

}  // namespace streaming
