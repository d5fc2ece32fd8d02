// SPDX-License-Identifier: Apache-2.0
#include "mod_socket_handoff/cut_record.h"

#include <algorithm>

namespace socket_handoff {

void CutRecord::take(std::span<const std::uint8_t> bytes) {
  taken_bytes_ += bytes.size();
  if (has_header() && bytes.size() == left_bytes_) return bytes_.clear();  // as OpenSSL reads most records
  while (!bytes.empty()) {
    bytes = bytes.subspan(has_header() ? take_of_payload(bytes) : take_of_header(bytes));
    if (has_header() && left_bytes_ == 0) bytes_.clear();
  }
}

std::size_t CutRecord::take_of_header(std::span<const std::uint8_t> bytes) {
  const std::size_t taken = std::min(bytes.size(), kHeaderBytes - bytes_.bytes().size());
  bytes_.append(bytes.first(taken));
  if (has_header()) left_bytes_ = payload_bytes();
  return taken;
}

std::size_t CutRecord::take_of_payload(std::span<const std::uint8_t> bytes) {
  const std::size_t taken = std::min(bytes.size(), left_bytes_);
  left_bytes_ -= taken;
  if (left_bytes_ > 0) bytes_.append(bytes.first(taken));
  return taken;
}

}  // namespace socket_handoff
