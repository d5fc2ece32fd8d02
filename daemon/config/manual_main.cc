// SPDX-License-Identifier: Apache-2.0
// streaming-daemon-manual: prints the manual page, for the build.

#include <cstdio>

#include "config/manual_page.h"

int main() {
  return std::fputs(streaming::manual_page().c_str(), stdout) < 0 || std::fflush(stdout) != 0;
}
