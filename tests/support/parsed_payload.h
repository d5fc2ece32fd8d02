// SPDX-License-Identifier: Apache-2.0
// A hand-off's payload, parsed.

#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string_view>
#include <utility>

#include "handoff/handoff_request.h"

namespace streaming {

// An Error fails the test and gives an empty request.
inline std::unique_ptr<HandoffRequest> parsed(std::string_view payload) {
  HandoffRequestParser parser;
  Result<std::unique_ptr<HandoffRequest>> request = parser.parse(payload);
  EXPECT_TRUE(request.ok()) << (request ? "" : request.error().message);
  return request ? std::move(*request) : std::make_unique<HandoffRequest>();
}

}  // namespace streaming
