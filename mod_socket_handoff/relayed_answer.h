// The daemon's HTTP answer, as Apache relays it: its head, and its body in chunks. Pure: what comes is another program's and
// is checked before any of it is believed.

#pragma once

#include <cstddef>
#include <string_view>

namespace socket_handoff {

// The head of the daemon's HTTP answer, where Apache relays it. Pure; what comes is checked before any of it is
// believed: nothing that could add a line to the response, or frame it anew, is passed on. The body is in chunks, or
// all that comes until the connection's end.
// As long as a head may be.
inline constexpr std::size_t kMaxRelayedHeadBytes = 32 * 1024;

class RelayedHead {
 public:
  enum class State { kIncomplete, kInvalid, kComplete };

  explicit RelayedHead(std::string_view received);

  State state() const { return state_; }
  int status() const { return status_; }      // 200 to 599
  std::size_t size() const { return size_; }  // in bytes; behind it comes the body
  bool is_chunked() const { return is_chunked_; }

  struct Field {
    std::string_view name;
    std::string_view value;
  };
  // The fields that are about the answer and not about this connection, one after the other; false after the last one.
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

// The body of an HTTP answer in chunks, decoded as it comes. Pure; what comes is another program's, so it is taken as
// streaming-daemon writes it and no other way: no extensions, no trailer, nothing behind the last chunk.
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
