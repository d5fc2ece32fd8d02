// The file behind the path of X-Socket-Handoff, opened once, so that what was checked is what is connected to.
//
// open(O_PATH) follows every symbolic link in one step and pins the file; the kernel then says where the file really
// is, that answer is checked against the prefixes, and the connection goes through /proc/self/fd to the pinned file. A
// link that is swapped in between changes nothing. Lives for one attempt to connect.

#pragma once

#include <climits>
#include <span>
#include <string_view>

#include "mod_socket_handoff/descriptors.h"
#include "mod_socket_handoff/socket_path.h"

namespace socket_handoff {

// Where an open file really is, in the kernel's words.
class ResolvedPath {
 public:
  ResolvedPath() = default;
  explicit ResolvedPath(const UniqueDescriptor& file);

  void append(std::string_view path, std::size_t from);

  bool is_known() const { return length_ > 0; }
  std::string_view text() const { return {text_, length_}; }

 private:
  char text_[PATH_MAX + kMaxSocketPathBytes];
  std::size_t length_ = 0;
};

struct SocketFile {
  UniqueDescriptor pin;                      // O_PATH; none when the file could not be opened
  ResolvedPath resolved;                     // of the pin
  PathProblem problem = PathProblem::kNone;  // the path is refused, whether or not a file is there
  int error = 0;                             // errno where neither is the case
};

SocketFile open_socket_file(const char* path, std::span<const char* const> allowed_prefixes);

// kNone where one of the prefixes admits a file that is really there.
PathProblem check_resolved_path(std::string_view resolved, std::span<const char* const> allowed_prefixes);

}  // namespace socket_handoff
