// The body of an HTTP answer in chunks, decoded as it comes. Pure; what comes is another program's, so it is taken as
// streaming-daemon writes it and no other way: no extensions, no trailer, nothing behind the last chunk.

#pragma once

#include <cstddef>

namespace socket_handoff {

class ChunkedBody {
 public:
  // A chunk's size has so many digits at most.
  static constexpr int kMaxSizeDigits = 8;

  enum class State { kIncomplete, kComplete, kInvalid };

  // Decodes the next piece in place: what belongs to the body moves to the front of `text`. How many bytes that are;
  // those before what makes it invalid are among them.
  std::size_t decode(char* text, std::size_t size);

  State state() const;

 private:
  enum class Expects { kSize, kSizeEnd, kData, kDataCr, kDataEnd, kTrailerCr, kTrailerEnd, kNothing, kInvalid };

  Expects after_framing(char character);
  Expects after_size(char character);

  Expects expects_ = Expects::kSize;
  int digits_ = 0;               // of the size that is being read
  unsigned long long left_ = 0;  // of this chunk; the size so far while that is being read
};

}  // namespace socket_handoff
