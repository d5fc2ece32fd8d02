// SPDX-License-Identifier: Apache-2.0
// The body of an answer in chunks: the same however it comes in pieces, never longer than what came, and once it is invalid
// or complete no byte more is taken. The first byte of the input is the length of a piece.

#include "mod_socket_handoff/relayed_answer.h"

#include "fuzz/property.h"

namespace socket_handoff {
namespace {

using State = ChunkedBody::State;

struct Decoded {
  std::string text;
  State state;
  bool operator==(const Decoded&) const = default;
};

Decoded decode(std::string_view received, std::size_t piece) {
  ChunkedBody body;
  Decoded decoded;
  for (std::size_t i = 0; i < received.size(); i += piece) {
    std::string part(received.substr(i, piece));
    const State before = body.state();
    const std::size_t length = body.decode(part.data(), part.size());
    MUST(length <= part.size());
    MUST(before == State::kIncomplete || (length == 0 && body.state() == State::kInvalid));
    decoded.text.append(part, 0, length);
  }
  decoded.state = body.state();
  return decoded;
}

}  // namespace
}  // namespace socket_handoff

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace socket_handoff;
  std::string_view received = fuzz::text(data, size);
  if (received.empty()) return 0;
  const std::size_t piece = 1 + static_cast<unsigned char>(received.front());
  received.remove_prefix(1);
  const Decoded whole = decode(received, received.size() + 1);
  MUST(decode(received, piece) == whole && decode(received, 1) == whole);
  if (whole.state == State::kComplete) MUST(received.ends_with("0\r\n\r\n"));
  return 0;
}
