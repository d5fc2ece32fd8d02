// The head of the daemon's HTTP answer, where Apache relays it. Pure; what comes is checked before any of it is
// believed: nothing that could add a line to the response, or frame it anew, is passed on. The body is in chunks, or
// all that comes until the connection's end.

#pragma once

#include <cstddef>
#include <string_view>

namespace socket_handoff {

// As long as a head may be.
inline constexpr std::size_t kMaxResponseHeadBytes = 32 * 1024;

class ResponseHead {
 public:
  enum class State { kIncomplete, kInvalid, kComplete };

  explicit ResponseHead(std::string_view received);

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

}  // namespace socket_handoff
