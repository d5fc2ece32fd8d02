// SPDX-License-Identifier: Apache-2.0
// The LangGraph server of tests/servers/langgraph as a child process; it ends with the test.

#pragma once

#include <cstdio>
#include <string>

#include "support/server_process.h"
#include "support/temporary_directory.h"

namespace streaming {

class LangGraphServer {
 public:
  // One for all tests of this process, because its start takes a second of CPU time.
  static const LangGraphServer& shared() {
    static const LangGraphServer server;
    return server;
  }

  LangGraphServer() { process_.start({SOURCE_DIR "/tests/servers/langgraph/start", state_.file("")}); }

  bool ready() const { return process_.port() > 0; }
  std::string base() const { return "http://127.0.0.1:" + std::to_string(process_.port()); }

  // Asks the server directly, not through the daemon.
  std::string get(const std::string& path) const {
    FILE* answer = popen(("curl --silent --max-time 10 " + base() + path).c_str(), "r");
    std::string text;
    for (int character = 0; (character = std::fgetc(answer)) != EOF;) text += static_cast<char>(character);
    pclose(answer);
    return text;
  }

 private:
  TemporaryDirectory state_;
  ServerProcess process_;
};

}  // namespace streaming
