// SPDX-License-Identifier: Apache-2.0
// The daemon's HTTP answer, as Apache relays it to a client that cannot leave Apache: its head, and its body in chunks.
// Pure: knows nothing of httpd. The answer is another program's, so both are checked before Apache uses any of them.

#pragma once

#include <cstddef>
#include <string_view>

namespace socket_handoff {

// A longer head is invalid.
inline constexpr std::size_t kMaxRelayedHeadBytes = 32 * 1024;

// The answer's status line and fields. Passes on nothing that could add a line to Apache's response or frame it
// differently. The body is in chunks, or is all that comes until the end of the connection. Borrows the text.
class RelayedHead {
 public:
  enum class State { kIncomplete, kInvalid, kComplete };

  explicit RelayedHead(std::string_view received);

  State state() const { return state_; }
  int status() const { return status_; }      // 200 to 599, once complete
  std::size_t size() const { return size_; }  // in bytes; the body follows
  bool is_chunked() const { return is_chunked_; }

  struct Field {
    std::string_view name;
    std::string_view value;
  };
  // The next field that is not a hop-by-hop one. False after the last one.
  bool next_field(Field& field);

 private:
  std::string_view next_line();
  bool read_status(std::string_view line);
  bool read_framing(const Field& field);

  State state_ = State::kIncomplete;
  int status_ = 0;
  std::size_t size_ = 0;
  bool is_chunked_ = false;
  std::string_view rest_;
};

// The answer's body in chunks, decoded as it comes. Accepts only what streaming-daemon writes: no extensions, no
// trailer, and nothing after the last chunk.
class ChunkedBody {
 public:
  static constexpr int kMaxSizeDigits = 8;  // of a chunk's size, in hexadecimal

  enum class State { kIncomplete, kComplete, kInvalid };

  // Decodes the next piece in place: moves the body's bytes to the front of `text` and returns how many they are. Bytes
  // that come before an error are among them.
  std::size_t decode(char* text, std::size_t size);

  State state() const;

 private:
  enum class Expects { kSize, kSizeEnd, kData, kDataCr, kDataEnd, kTrailerCr, kTrailerEnd, kNothing, kInvalid };

  Expects after_framing(char character);
  Expects after_size(char character);

  Expects expects_ = Expects::kSize;
  int digits_ = 0;               // of the size that is being read
  unsigned long long left_ = 0;  // bytes of this chunk; while its size is being read, the size so far
};

}  // namespace socket_handoff
