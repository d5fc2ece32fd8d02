// The file behind the path of X-Socket-Handoff, opened once, so that what was checked is what is connected to.
//
// open(O_PATH) follows every symbolic link in one step and pins the file; the kernel then says where the file really
// is, that answer is checked against the prefixes, and the connection goes through /proc/self/fd to the pinned file. A
// link that is swapped in between changes nothing. Lives for one attempt to connect.

#pragma once

#include <span>

#include "mod_socket_handoff/socket_path.h"
#include "mod_socket_handoff/unique_descriptor.h"

namespace socket_handoff {

struct SocketFile {
  UniqueDescriptor pin;                      // O_PATH; none when the file could not be opened
  PathProblem problem = PathProblem::kNone;  // the path is refused, whether or not a file is there
  int error = 0;                             // errno where neither is the case
};

SocketFile open_socket_file(const char* path, std::span<const char* const> allowed_prefixes);

}  // namespace socket_handoff
