// The rule for the path that a handler names in X-Socket-Handoff. Pure: text in, verdict out, no file is looked at.
//
// The text is judged twice: as it was written (check_written_path), and after the kernel has resolved every symbolic
// link in it (is_within, on what socket_file.h found). Only the second one protects; the first one explains.

#pragma once

#include <sys/un.h>

#include <cstddef>
#include <string_view>

namespace socket_handoff {

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

}  // namespace socket_handoff
