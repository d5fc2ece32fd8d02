// SPDX-License-Identifier: Apache-2.0
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace streaming {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "streaming-daemon: check failed at %s:%d: %s (a defect of the daemon, please report it)\n", file,
               line, condition);
  std::abort();
}

}  // namespace streaming
