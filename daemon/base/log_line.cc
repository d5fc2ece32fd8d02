// SPDX-License-Identifier: Apache-2.0
#include "base/log_line.h"

#include <algorithm>

namespace streaming {
namespace {

// Whether the value needs no quotation marks to be separate from the rest of the line.
bool is_plain(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char byte) {
    return static_cast<unsigned char>(byte) > ' ' && byte != '"' && byte != '=' && byte != '\x7f';
  });
}

}  // namespace

LogLine::LogLine(std::string_view message) : json_(log_format() == LogFormat::kJson) {
  constexpr std::size_t kUsualBytes = 256;
  text_.reserve(kUsualBytes);
  if (json_) {
    text_.append(1, kJsonMembers).append("\"message\":").append(json_string(message));
  } else {
    text_.append(message);
  }
}

LogLine& LogLine::add(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  return !json_ && is_plain(value) ? add_verbatim(name, value) : add_verbatim(name, json_string(value));
}

LogLine& LogLine::add_verbatim(std::string_view name, std::string_view value) {
  if (json_) {
    text_.append(",\"").append(name).append("\":").append(value);
  } else {
    text_.append(1, ' ').append(name).append(1, '=').append(value);
  }
  return *this;
}

void LogLine::write(log::Level level) const {
  log::write(level, text_);
}

}  // namespace streaming
