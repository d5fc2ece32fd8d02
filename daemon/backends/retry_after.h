// SPDX-License-Identifier: Apache-2.0
// How long an upstream asks its clients to wait. Pure.

#pragma once

#include <ctime>

#include "upstream/http_client.h"

namespace streaming {

// In whole seconds, rounded up; 0 if the head asks for nothing, or for more than kMaxRetryAfterSeconds. Retry-After-Ms,
// which OpenAI's API has, takes precedence. Retry-After is a number, also with a fraction, or a date (RFC 9110,
// 10.2.3).
int retry_after_seconds(const HttpHead& head, std::time_t now);

}  // namespace streaming
