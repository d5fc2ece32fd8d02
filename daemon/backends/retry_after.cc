// SPDX-License-Identifier: Apache-2.0
#include "backends/retry_after.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "backends/limits.h"

namespace streaming {
namespace {

std::optional<double> number_in(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

// The form that servers send, and the two that were before it.
std::optional<std::time_t> date_in(const std::string& text) {
  for (const char* form : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"}) {
    std::tm parts{};
    const char* end = strptime(text.c_str(), form, &parts);
    if (end != nullptr && *end == '\0') return timegm(&parts);
  }
  return std::nullopt;
}

}  // namespace

int retry_after_seconds(const HttpHead& head, std::time_t now) {
  constexpr double kMsPerSecond = 1000;
  double seconds = 0;
  if (const std::optional<double> asked_ms = number_in(head.retry_after_ms)) {
    seconds = *asked_ms / kMsPerSecond;
  } else if (const std::optional<double> asked = number_in(head.retry_after)) {
    seconds = *asked;
  } else if (const std::optional<std::time_t> date = date_in(std::string(head.retry_after))) {
    seconds = std::difftime(*date, now);
  }
  return seconds > 0 && seconds <= kMaxRetryAfterSeconds ? static_cast<int>(std::ceil(seconds)) : 0;
}

}  // namespace streaming
