// SPDX-License-Identifier: Apache-2.0
#include "sse/parser.h"

#include <algorithm>

namespace streaming {

namespace {

// The position of the first CR or LF; npos if there is none. It searches in steps: otherwise, if a text has only one of
// the two, each line would search the whole rest for the other.
std::size_t find_line_end(std::string_view bytes) {
  constexpr std::size_t kStep = 512;
  for (std::size_t at = 0; at < bytes.size(); at += kStep) {
    const std::string_view step = bytes.substr(at, kStep);
    const std::size_t lf = step.find('\n');
    const std::size_t cr = step.substr(0, lf).find('\r');
    if (const std::size_t end = std::min(lf, cr); end != std::string_view::npos) return at + end;
  }
  return std::string_view::npos;
}

}  // namespace

bool SseParser::take_line(std::string_view& bytes, std::string_view& line) {
  if (too_large_) return false;
  if (after_cr_) {
    after_cr_ = false;
    if (bytes.front() == '\n') bytes.remove_prefix(1);
  }
  const std::size_t end = find_line_end(bytes);
  line = bytes.substr(0, end);
  if (begun_.size() + line.size() + data_.size() + type_.size() + id_.size() > max_event_bytes_) {
    too_large_ = true;
    return false;
  }
  if (end == std::string_view::npos) {
    begun_.append(bytes);
    bytes = {};
    return false;
  }
  if (!begun_.empty()) {
    begun_.append(line);
    line = begun_.view();
  }
  after_cr_ = bytes[end] == '\r';
  bytes.remove_prefix(end + 1);
  return true;
}

bool SseParser::end_line(std::string_view line) {
  const bool dispatches = interpret(line);
  begun_.reset();
  return dispatches;
}

bool SseParser::interpret(std::string_view line) {
  if (first_line_) {
    first_line_ = false;
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  }
  if (line.empty()) {
    if (data_.empty()) {
      clear_event();
      return false;
    }
    data_.pop_back();  // the LF after the last line
    return true;
  }
  const std::size_t colon = line.find(':');
  if (colon == 0) return false;  // a comment
  std::string_view value = colon == std::string_view::npos ? std::string_view{} : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  set_field(line.substr(0, colon), value);
  return false;
}

void SseParser::set_field(std::string_view name, std::string_view value) {
  if (name == "data") {
    data_.reserve(data_.size() + value.size() + 1);
    data_.append(value);
    data_.push_back('\n');
  } else if (name == "event") {
    type_.assign(value);
  } else if (name == "id" && value.find('\0') == std::string_view::npos) {
    id_.assign(value);
  }
}

void SseParser::clear_event() {
  std::string().swap(data_);
  std::string().swap(type_);
}

}  // namespace streaming
