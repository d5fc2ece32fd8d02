// SPDX-License-Identifier: Apache-2.0
// The connection part of a hand-off: read or refused, whatever follows it; what was read is written as the same bytes.

#include "protocol/connection_part.h"

#include <algorithm>
#include <array>
#include <vector>

#include "fuzz/property.h"

namespace handoff_protocol {
namespace {

// A part that has begun says so at each of its lengths, and is read the same with a payload behind it.
void must_not_depend_on_what_follows(const std::vector<std::uint8_t>& message, const ConnectionPart& part) {
  std::vector<std::uint8_t> longer = message;
  longer.push_back('{');
  if (part.problem != ConnectionPartProblem::kIncomplete) {
    const ConnectionPart again = read_connection_part(longer);
    MUST(again.problem == part.problem && again.bytes == part.bytes);
  }
  if (part.problem != ConnectionPartProblem::kNone) return;
  for (std::size_t bytes = 0; bytes < part.bytes; ++bytes) {
    const std::vector<std::uint8_t> cut(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(bytes));
    MUST(read_connection_part(cut).problem == ConnectionPartProblem::kIncomplete);
  }
}

}  // namespace
}  // namespace handoff_protocol

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace handoff_protocol;
  const std::vector<std::uint8_t> message(data, data + size);  // a copy, so that a read beyond its end is seen
  const ConnectionPart part = read_connection_part(message);
  must_not_depend_on_what_follows(message, part);
  if (part.problem != ConnectionPartProblem::kNone) return 0;
  MUST(has_connection_part(message));
  MUST(part.bytes <= message.size() && part.bytes <= kMaxConnectionPartBytes);
  std::array<std::uint8_t, kMaxConnectionPartBytes> written;
  if (part.is_reservation) {
    std::copy(kReservationPart.begin(), kReservationPart.end(), written.begin());
  } else {
    MUST(write_connection_part(part.connection, written) == part.bytes);
  }
  MUST(std::equal(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(part.bytes), written.begin()));
  return 0;
}
