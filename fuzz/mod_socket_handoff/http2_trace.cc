// SPDX-License-Identifier: Apache-2.0
// The frames of an HTTP/2 connection, as both sides send them: the same is known of them however they are cut, and what is known
// is a state that a daemon takes.
//
// The input is a row of pieces: a byte whose highest bit names the sender (1: the server) and whose others are a length, and so
// many bytes. The client's first pieces follow a preface.

#include "mod_socket_handoff/http2_trace.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "fuzz/property.h"

namespace socket_handoff {
namespace {

using handoff_protocol::Http2State;
using Sender = Http2Trace::Sender;
using Bytes = std::span<const std::uint8_t>;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void take_all(Http2Trace& trace, Sender sender, Bytes bytes) {
  while (!bytes.empty()) {
    const std::size_t taken = trace.take(sender, bytes);
    MUST(taken > 0 && taken <= bytes.size());
    bytes = bytes.subspan(taken);
  }
}

void take_bytewise(Http2Trace& trace, Sender sender, Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) take_all(trace, sender, bytes.subspan(i, 1));
}

// Reads of the server's payloads no more than it must.
void take_sparsely(Http2Trace& trace, Sender sender, Bytes bytes) {
  while (!bytes.empty()) {
    const std::size_t unread = sender == Sender::kServer ? std::min(trace.unread_bytes(), bytes.size()) : 0;
    trace.skip(unread);
    bytes = bytes.subspan(unread);
    if (bytes.empty()) return;
    bytes = bytes.subspan(trace.take(sender, bytes));
  }
}

// What a trace knows of a stream, as text.
std::string knowledge(const Http2Trace& trace, std::uint32_t stream) {
  Http2State state;
  const Verdict verdict = trace.read(stream, state);
  if (!verdict.is_yes()) return verdict.reason();
  MUST(trace.certainty().is_yes() && trace.is_alone(stream) && trace.open_streams() == 1);
  MUST(state.stream == stream && state.highest_stream >= stream && stream % 2 == 1);
  MUST(state.connection_window >= 0 && state.initial_window >= 0);
  MUST(trace.cut_frame().size() <= handoff_protocol::kMaxUnusedBytes);
  std::array<std::uint8_t, handoff_protocol::kMaxConnectionPartBytes> part;
  const std::size_t size =
      handoff_protocol::write_connection_part({.tls = {}, .http2 = state, .frames = trace.cut_frame(), .records = {}}, part);
  const handoff_protocol::ConnectionPart read = handoff_protocol::read_connection_part(Bytes(part).first(size));
  MUST(read.problem == handoff_protocol::ConnectionPartProblem::kNone && read.connection.http2 == state);
  return std::string(reinterpret_cast<const char*>(part.data()), size);
}

void must_know_the_same(const Http2Trace& one, const Http2Trace& other) {
  MUST(one.open_streams() == other.open_streams());
  MUST(one.certainty().is_yes() == other.certainty().is_yes());
  for (std::uint32_t stream = 1; stream < 16; stream += 2) {
    MUST(one.is_alone(stream) == other.is_alone(stream));
    MUST(knowledge(one, stream) == knowledge(other, stream));
  }
}

}  // namespace
}  // namespace socket_handoff

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace socket_handoff;
  Http2Trace whole, bytewise, sparse;
  const Bytes preface(reinterpret_cast<const std::uint8_t*>(kPreface.data()), kPreface.size());
  for (Http2Trace* trace : {&whole, &bytewise, &sparse}) take_all(*trace, Sender::kClient, preface);
  for (Bytes input(data, size); !input.empty();) {
    const Sender sender = (input[0] & 0x80) != 0 ? Sender::kServer : Sender::kClient;
    const std::size_t length = std::min<std::size_t>(input[0] & 0x7f, input.size() - 1);
    const std::vector<std::uint8_t> piece(input.begin() + 1, input.begin() + 1 + static_cast<std::ptrdiff_t>(length));
    input = input.subspan(1 + length);
    take_all(whole, sender, piece);
    take_bytewise(bytewise, sender, piece);
    take_sparsely(sparse, sender, piece);
    must_know_the_same(whole, bytewise);
    must_know_the_same(whole, sparse);
  }
  return 0;
}
