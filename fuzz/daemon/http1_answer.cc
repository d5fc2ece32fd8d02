// SPDX-License-Identifier: Apache-2.0
// An upstream's answers over HTTP/1.1: whole ones have the same heads and bodies however the bytes are cut. What is wrong
// with others may show earlier if more comes at once.

#include "upstream/http1_answer.h"

#include <string>

#include "fuzz/property.h"
#include "upstream/limits.h"

namespace streaming {
namespace {

struct Answer {
  int status = 0;
  std::string type, location, body;
  bool broken = false, whole = false, keeps_connection = false;
  bool operator==(const Answer&) const = default;
};

void keep_head(Answer& kept, const AnswerHead& head) {
  MUST(kept.status == 0 && head.status >= 200 && head.bytes <= kMaxUpstreamHeadBytes);
  kept.status = head.status;
  kept.type = head.content_type;
  kept.location = head.location;
}

// `next_length` gives the size of each read. What cannot be read alone is given again with the next read.
template <typename NextLength>
Answer read(std::string_view bytes, NextLength next_length) {
  Http1Answer answer;
  answer.expect();
  Answer kept;
  std::string left_over;
  while (!bytes.empty() && !answer.done()) {
    const std::string input = left_over + std::string(bytes.substr(0, next_length()));
    bytes.remove_prefix(input.size() - left_over.size());
    std::size_t at = 0;
    while (at < input.size() && !answer.done()) {
      const Http1Answer::Piece piece = answer.read(std::string_view(input).substr(at));
      MUST(piece.size <= input.size() - at && fuzz::lies_in(piece.body, input));
      at += piece.size;
      if (piece.head) keep_head(kept, *answer.take_head());
      kept.body += piece.body;
      kept.broken = !piece.error.empty();
      if (kept.broken) return kept;
      MUST(piece.size > 0 || piece.incomplete);
      if (piece.incomplete && piece.size == 0) break;
    }
    left_over = input.substr(at);
  }
  kept.whole = answer.done() || (left_over.empty() && answer.end());
  MUST(!kept.whole || kept.status != 0);
  kept.keeps_connection = kept.whole && answer.keeps_connection();
  return kept;
}

bool are_same(const Answer& one, const Answer& other) {
  return one.whole || other.whole ? one == other : true;
}

}  // namespace
}  // namespace streaming

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace streaming;
  const std::string_view bytes = fuzz::text(data, size);
  const Answer whole = read(bytes, [&] { return size; });
  MUST(are_same(read(bytes, [] { return 1; }), whole));
  std::uint32_t random = static_cast<std::uint32_t>(size) * 2654435761u + 1;
  MUST(are_same(read(bytes, [&] { return 1 + ((random = random * 1664525u + 1013904223u) >> 28); }), whole));
  return 0;
}
