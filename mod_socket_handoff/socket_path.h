// SPDX-License-Identifier: Apache-2.0
// Paths of daemons' sockets: the list in X-Socket-Handoff, the rules for a path, and the verdict on it. Pure: text in,
// verdict out. daemon_socket.h looks at files.
//
// A path is judged twice: as the handler wrote it (check_written_path), and after the kernel has resolved its symbolic
// links (is_within, on what daemon_socket.h found). Only the second verdict protects; the first one explains.

#pragma once

#include <sys/un.h>

#include <cstddef>
#include <span>
#include <string_view>

namespace socket_handoff {

// What a socket's address can hold, without the terminating zero: 107.
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

// True if `path` is `place` or lies in it, however deep. Both are absolute. A slash at the place's end makes no
// difference: /run/app admits /run/app and /run/app/x.sock, and not /run/apple.
bool is_within(std::string_view path, std::string_view place);

// Half a sentence for the log, which follows the path: "is not absolute".
const char* explain(PathProblem problem);

// 403 if the path breaks the administrator's rule, 500 if it is not a socket's path at all.
int http_status(PathProblem problem);

// Servers of other protocols (PHP-FPM, databases) listen on SOCK_STREAM and would take the data for a request of
// theirs. Hardly any other server listens on SOCK_SEQPACKET.
enum class StreamSockets {
  kForbidden,
  kUnfitData,  // allowed, but not with this data
  kAllowed,
};

// Which sockets a hand-off may go to: the rules of the request's per-directory configuration, and what its data allows.
// Borrows the prefixes from that configuration.
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

// The sockets that X-Socket-Handoff names: one path, or several separated by commas, to be tried in that order.
class SocketList {
 public:
  static constexpr std::size_t kMaxSockets = 16;

  // Writes to `text` to separate the paths; `text` must outlive the list. An empty text is a list of one empty path.
  explicit SocketList(char* text);

  std::span<const char* const> paths() const { return {paths_, size_}; }  // never empty
  bool is_too_long() const { return is_too_long_; }                       // the list has the first kMaxSockets alone

 private:
  void add(const char* path);

  const char* paths_[kMaxSockets];
  std::size_t size_ = 0;
  bool is_too_long_ = false;
};

}  // namespace socket_handoff
