// Paths of daemons' sockets: the list in X-Socket-Handoff, the rules that a path must obey, and the verdict on a path. Pure:
// text in, verdict out. daemon_socket.h looks at files.

#pragma once

#include <sys/un.h>

#include <cstddef>
#include <span>
#include <string_view>

namespace socket_handoff {

// The rule for the path that a handler names in X-Socket-Handoff. Pure: text in, verdict out, no file is looked at.
//
// The text is judged twice: as it was written (check_written_path), and after the kernel has resolved every symbolic
// link in it (is_within, on what socket_file.h found). Only the second one protects; the first one explains.
// What a socket's address can hold, less the terminating zero.
inline constexpr std::size_t kMaxSocketPathBytes = sizeof(sockaddr_un::sun_path) - 1;

enum class PathProblem {
  kNone,
  kEmpty,
  kRelative,
  kTooLong,
  kParentReference,
  kOutsidePrefix,
  kStreamSocket,
  kUnfitForStreamSocket,
  kUnresolvable,
  kNotASocket,
};

PathProblem check_written_path(std::string_view path);

// True when `path` is `place` or lies in it, however deep. Both are absolute. A slash at the place's end makes no
// difference: /run/app admits /run/app and /run/app/x.sock, and not /run/apple.
bool is_within(std::string_view path, std::string_view place);

// Half a sentence for the log, which follows the path: "is not absolute".
const char* explain(PathProblem problem);

// 403 where the administrator's rule was broken, 500 where the handler wrote nonsense.
int http_status(PathProblem problem);

// Which sockets a hand-off may go to: the rules of the request's section, and what its data allows. Pure; borrows the
// prefixes from the section's settings.
// Servers of other protocols (PHP-FPM, databases) listen on SOCK_STREAM and would take the data for a request of
// theirs. SOCK_SEQPACKET is safe from that: hardly anything else listens there.
enum class StreamSockets {
  kForbidden,
  kUnfitData,  // allowed, but not with this data
  kAllowed,
};

struct SocketRules {
  std::span<const char* const> allowed_prefixes;
  StreamSockets stream_sockets = StreamSockets::kForbidden;
};

constexpr PathProblem problem_of_stream_socket(StreamSockets rule) {
  switch (rule) {
    case StreamSockets::kForbidden:
      return PathProblem::kStreamSocket;
    case StreamSockets::kUnfitData:
      return PathProblem::kUnfitForStreamSocket;
    case StreamSockets::kAllowed:
      break;
  }
  return PathProblem::kNone;
}

// The sockets that X-Socket-Handoff names: one path, or several with commas in between, to be tried in that order.
// Pure.
class SocketList {
 public:
  static constexpr std::size_t kMaxSockets = 16;

  // Cuts `text` up in place; it must live as long as the list. An empty text is a list of one empty path.
  explicit SocketList(char* text);

  std::span<const char* const> paths() const { return {paths_, size_}; }
  bool is_too_long() const { return is_too_long_; }  // and holds only the first ones

 private:
  void add(const char* path);

  const char* paths_[kMaxSockets];
  std::size_t size_ = 0;
  bool is_too_long_ = false;
};

}  // namespace socket_handoff
