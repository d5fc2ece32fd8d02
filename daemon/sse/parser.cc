#include "sse/parser.h"

namespace streaming {

bool SseParser::take_line(std::string_view& bytes) {
  if (too_large_) return false;
  if (line_complete_) {
    line_.clear();
    line_complete_ = false;
  }
  if (after_cr_) {
    after_cr_ = false;
    if (bytes.front() == '\n') bytes.remove_prefix(1);
  }
  const std::size_t end = bytes.find_first_of("\r\n");
  line_.append(bytes.substr(0, end));
  if (line_.size() + data_.size() > max_event_bytes_) {
    too_large_ = true;
    return false;
  }
  if (end == std::string_view::npos) {
    bytes = {};
    return false;
  }
  after_cr_ = bytes[end] == '\r';
  bytes.remove_prefix(end + 1);
  line_complete_ = true;
  return true;
}

bool SseParser::end_line() {
  std::string_view line = line_;
  if (first_line_) {
    first_line_ = false;
    if (line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
  }
  if (line.empty()) {
    if (data_.empty()) {
      clear_event();
      return false;
    }
    data_.pop_back();  // the LF behind the last line
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
    data_.append(value);
    data_.push_back('\n');
  } else if (name == "event") {
    type_.assign(value);
  } else if (name == "id" && value.find('\0') == std::string_view::npos) {
    id_.assign(value);
  }
}

void SseParser::clear_event() {
  data_.clear();
  type_.clear();
}

}  // namespace streaming
