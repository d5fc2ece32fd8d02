// SPDX-License-Identifier: Apache-2.0
// SH_CHECK states what must hold, in release builds too: a child of Apache that has broken an invariant ends and is
// replaced, before it writes to a client that belongs to another process. It is for mistakes of this module alone. What
// a peer, a handler or the configuration can cause is a value with an error, and never a check.
//
// Any thread. Writes one line to stderr, which is httpd's error log, and aborts. Not ap_assert(), because the tests
// link most of the module without httpd.

#pragma once

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace socket_handoff {

[[noreturn, gnu::cold, gnu::noinline]] inline void fail_check(const char* condition, const char* file, int line) {
  ::dprintf(STDERR_FILENO, "mod_socket_handoff: %s:%d: SH_CHECK(%s) failed\n", file, line, condition);
  std::abort();
}

}  // namespace socket_handoff

#define SH_CHECK(condition) ((condition) ? void() : ::socket_handoff::fail_check(#condition, __FILE__, __LINE__))
