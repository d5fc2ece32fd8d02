// SPDX-License-Identifier: Apache-2.0
// CommandLine: the settings, read by precedence from flags, environment, file and defaults. At the start and at a
// reload, on the main thread.

#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "config/config.h"

namespace streaming {

struct CommandLine {
  Config config;
  std::string config_file;              // the file that was read; empty: none
  std::optional<std::string> to_print;  // output of --help, --version, --print-config or --convert: print it and end
  bool list_answers = false;            // --answers: list what is kept and what was given up, and end
  bool list_undelivered = false;        // --undelivered: list the reports that were given up, and end
  bool resend_undelivered = false;      // --resend: have them delivered, and end
  bool check_only = false;              // --check-config: report whether the daemon could start with it, and end
};

// The Error's message is for stderr; it names the flag, variable, or file and line.
Result<CommandLine> read_command_line(int argc, const char* const* argv);

}  // namespace streaming
