// SPDX-License-Identifier: Apache-2.0
// Apache with mod_socket_handoff and a PHP page in front of a daemon (tests/servers/site) as a child process; it ends
// with the test. The daemon's socket must be open to all (--socket-mode 0666), as the servers give up root.

#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <string>

#include "support/server_process.h"

namespace streaming {

class Site {
 public:
  explicit Site(const std::string& daemon_socket) {
    const std::string directory = std::filesystem::path(daemon_socket).parent_path();
    EXPECT_EQ(chmod(directory.c_str(), 0711), 0);
    process_.start({SOURCE_DIR "/tests/servers/site/start", HANDOFF_MODULE, daemon_socket, HTTPD_PRELOAD});
  }

  bool ready() const { return process_.port() > 0; }
  int port() const { return process_.port(); }

 private:
  ServerProcess process_;
};

}  // namespace streaming
