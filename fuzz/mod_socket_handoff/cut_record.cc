// SPDX-License-Identifier: Apache-2.0
// The bytes of TLS that a client sends: of the record that is cut the same is kept however they arrive, and it is what
// follows the records that are whole.
//
// The first byte is the length of the pieces; the others are the client's.

#include "mod_socket_handoff/cut_record.h"

#include <algorithm>

#include "fuzz/property.h"

namespace {

using Bytes = std::span<const std::uint8_t>;

constexpr std::size_t kHeaderBytes = 5;

std::size_t length_of(Bytes record) {
  return kHeaderBytes + (std::size_t{record[3]} << 8) + record[4];
}

Bytes without_whole_records(Bytes sent) {
  while (sent.size() >= kHeaderBytes && sent.size() >= length_of(sent)) sent = sent.subspan(length_of(sent));
  return sent;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Bytes sent(data + 1, size - 1);
  const std::size_t step = std::max<std::size_t>(data[0], 1);
  socket_handoff::CutRecord cut;
  for (std::size_t taken = 0; taken < sent.size(); taken += step) {
    cut.take(sent.subspan(taken, std::min(step, sent.size() - taken)));
  }
  const Bytes rest = without_whole_records(sent);
  MUST(cut.taken_bytes() == sent.size());
  MUST(cut.record_bytes() == (rest.size() < kHeaderBytes ? 0 : length_of(rest)));
  MUST(cut.is_complete() == (rest.size() <= handoff_protocol::kMaxUnusedBytes));
  MUST(std::ranges::equal(cut.bytes(), rest.first(cut.bytes().size())));
  MUST(!cut.is_complete() || cut.bytes().size() == rest.size());
  return 0;
}
