// SPDX-License-Identifier: Apache-2.0
// streaming-daemon: reads its settings, then runs a Server.

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "answers/undelivered_reports.h"
#include "base/log.h"
#include "base/printable.h"
#include "config/command_line.h"
#include "server/answer_list.h"
#include "server/config_check.h"
#include "server/server.h"
#include "server/start_check.h"
#include "server/warnings.h"

namespace {

int fail(const streaming::Error& error) {
  std::fprintf(stderr, "streaming-daemon: %s\n", error.message.c_str());
  return EXIT_FAILURE;
}

int serve(const streaming::CommandLine& line, const streaming::Startup& startup) {
  using namespace streaming;
  if (!line.config_file.empty()) log::info("settings from {}", line.config_file);
  Result<std::unique_ptr<Server>> server = Server::create(line.config, startup);
  return server ? (*server)->run() : fail(server.error());
}

// For --check-config; `config` has passed check_config().
int check(const streaming::Config& config) {
  using namespace streaming;
  for (const std::string& warning : warnings_of(config)) {
    std::fprintf(stderr, "streaming-daemon: warning: %s\n", warning.c_str());
  }
  if (Status could_start = check_start(config); !could_start) return fail(could_start.error());
  std::puts("the settings are valid");
  return EXIT_SUCCESS;
}

// A line for each of them, which begins with `kind`.
int print_undelivered(const std::string& path, std::string_view kind) {
  using namespace streaming;
  const Result<std::vector<UndeliveredReport>> reports = read_undelivered(path);
  if (!reports) return fail(reports.error());
  std::string lines;
  for (const UndeliveredReport& report : *reports) {
    lines += kind;
    append_printable(lines, describe(report));
    lines += '\n';
  }
  std::fputs(lines.c_str(), stdout);
  return EXIT_SUCCESS;
}

// For --answers.
int list_answers(const streaming::Config& config) {
  using namespace streaming;
  const std::string path = journal_directory(config);
  const int undelivered = path.empty() ? EXIT_SUCCESS : print_undelivered(path, "undelivered ");
  const Result<std::string> kept = list_kept_answers(config);
  if (!kept) return fail(kept.error());
  std::fputs(kept->c_str(), stdout);
  return undelivered;
}

// For --undelivered and --resend.
int handle_undelivered(const streaming::CommandLine& line) {
  using namespace streaming;
  const std::string path = journal_directory(line.config);
  if (path.empty()) return fail({"there is no journal; name its directory by --journal-dir"});
  if (line.list_undelivered) return print_undelivered(path, "");
  const Result<std::size_t> resent = resend_undelivered(path);
  if (!resent) return fail(resent.error());
  std::printf("%zu reports are delivered again\n", resent.value());
  return EXIT_SUCCESS;
}

int read_settings_and_serve(int argc, char** argv) {
  using namespace streaming;
  const Startup startup{Invocation::of(argc, argv), [argc, argv]() -> Result<Config> {
                          Result<CommandLine> line = read_command_line(argc, argv);
                          if (!line) return line.error();
                          return line->config;
                        }};
  const Result<CommandLine> line = read_command_line(argc, argv);
  if (!line) return fail(line.error());
  if (line.value().to_print) {
    std::fputs(line.value().to_print->c_str(), stdout);
    return EXIT_SUCCESS;
  }
  if (line.value().list_answers) return list_answers(line.value().config);
  if (line.value().list_undelivered || line.value().resend_undelivered) return handle_undelivered(line.value());
  if (Status checked = check_config(line.value().config); !checked) return fail(checked.error());
  if (line.value().check_only) return check(line.value().config);
  if (Status started = start_log(log_settings(line.value().config)); !started) return fail(started.error());
  const int exit_status = serve(line.value(), startup);
  end_log();
  return exit_status;
}

// The process that started the daemon may have closed the standard descriptors. A socket that got their number would
// receive the log, and programs would inherit it.
void open_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = open("/dev/null", O_RDWR);
  if (fd > STDERR_FILENO) close(fd);
}

}  // namespace

int main(int argc, char** argv) try {
  streaming::Server::hold_signals();
  open_standard_descriptors();
  return read_settings_and_serve(argc, argv);
} catch (const std::bad_alloc&) {
  return fail({"there is not enough memory; raise the limit of the address space (ulimit -v, LimitAS=) or lower "
               "workers"});
} catch (const std::system_error& error) {
  return fail({std::string("cannot start a thread: ") + error.what() +
               "; raise the limits of memory and threads (ulimit -v, ulimit -u, TasksMax=) or lower workers"});
}
