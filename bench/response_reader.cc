// SPDX-License-Identifier: Apache-2.0
#include "bench/response_reader.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace streaming::bench {
namespace {

constexpr std::string_view kTransferEncoding = "Transfer-Encoding: chunked";

}  // namespace

void ResponseReader::read(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    keep(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    on_line();
    kept_ = 0;
    longer_ = false;
    bytes.remove_prefix(end + 1);
  }
}

void ResponseReader::keep(std::string_view bytes) {
  const std::size_t count = std::min(bytes.size(), kKept - kept_);
  std::memcpy(line_.data() + kept_, bytes.data(), count);
  kept_ = static_cast<std::uint8_t>(kept_ + count);
  longer_ = longer_ || count < bytes.size();
}

void ResponseReader::on_line() {
  std::string_view line(line_.data(), kept_);
  if (!longer_ && line.ends_with('\r')) line.remove_suffix(1);
  switch (part_) {
    case Part::kStatusLine:
      return on_status_line(line);
    case Part::kHead:
      if (line.empty()) part_ = Part::kBody;
      if (line == kTransferEncoding.substr(0, kKept)) chunked_ = true;
      return;
    case Part::kBody:
      return on_body_line(line);
  }
}

void ResponseReader::on_status_line(std::string_view line) {
  part_ = Part::kHead;
  status_ = -1;
  if (!line.starts_with("HTTP/1.") || line.size() < 12) return;
  std::from_chars(line.data() + 9, line.data() + 12, status_);
}

// The lines around chunks are not lines of an event, and the daemon does not split an event between chunks.
void ResponseReader::on_body_line(std::string_view line) {
  if (!line.empty()) last_chunk_ = line == "0" && !longer_;
  if (line.starts_with("data:")) {
    has_data_ = true;
    says_done_ = !longer_ && (line == "data: [DONE]" || line == "data:[DONE]");
    done_ = false;
  } else if (line.empty() && !longer_ && has_data_) {
    has_data_ = false;
    done_ = says_done_;
    if (!done_) ++events_;
  }
}

}  // namespace streaming::bench
