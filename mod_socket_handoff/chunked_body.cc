#include "mod_socket_handoff/chunked_body.h"

#include <algorithm>
#include <cstring>

namespace socket_handoff {
namespace {

// -1 where it is none.
int hex_digit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  const char lower = static_cast<char>(character | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

ChunkedBody::State ChunkedBody::state() const {
  if (expects_ == Expects::kInvalid) return State::kInvalid;
  return expects_ == Expects::kNothing ? State::kComplete : State::kIncomplete;
}

std::size_t ChunkedBody::decode(char* text, std::size_t size) {
  std::size_t decoded = 0;
  for (std::size_t i = 0; i < size && expects_ != Expects::kInvalid;) {
    if (expects_ != Expects::kData) {
      expects_ = after_framing(text[i++]);
      continue;
    }
    const std::size_t length = static_cast<std::size_t>(std::min<unsigned long long>(left_, size - i));
    std::memmove(text + decoded, text + i, length);
    decoded += length;
    i += length;
    left_ -= length;
    if (left_ == 0) expects_ = Expects::kDataCr;
  }
  return decoded;
}

ChunkedBody::Expects ChunkedBody::after_framing(char character) {
  switch (expects_) {
    case Expects::kSize:
      return after_size(character);
    case Expects::kSizeEnd:
      digits_ = 0;
      if (character != '\n') return Expects::kInvalid;
      return left_ > 0 ? Expects::kData : Expects::kTrailerCr;
    case Expects::kDataCr:
      return character == '\r' ? Expects::kDataEnd : Expects::kInvalid;
    case Expects::kDataEnd:
      return character == '\n' ? Expects::kSize : Expects::kInvalid;
    case Expects::kTrailerCr:
      return character == '\r' ? Expects::kTrailerEnd : Expects::kInvalid;
    case Expects::kTrailerEnd:
      return character == '\n' ? Expects::kNothing : Expects::kInvalid;
    case Expects::kData:
    case Expects::kNothing:
    case Expects::kInvalid:
      break;
  }
  return Expects::kInvalid;
}

ChunkedBody::Expects ChunkedBody::after_size(char character) {
  if (character == '\r') return digits_ > 0 ? Expects::kSizeEnd : Expects::kInvalid;
  const int digit = hex_digit(character);
  if (digit < 0 || digits_ == kMaxSizeDigits) return Expects::kInvalid;
  ++digits_;
  left_ = 16 * left_ + static_cast<unsigned>(digit);
  return Expects::kSize;
}

}  // namespace socket_handoff
