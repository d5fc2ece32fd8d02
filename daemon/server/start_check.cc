// SPDX-License-Identifier: Apache-2.0
#include "server/start_check.h"

#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <string>
#include <thread>

#include "answers/journal_directory.h"
#include "config/option.h"
#include "ring/engine.h"
#include "server/capacity.h"
#include "server/config_check.h"
#include "server/workforce.h"
#include "upstream/upstream_client.h"

namespace streaming {
namespace {

Status check_socket_directory(const Config& config) {
  const std::size_t slash = config.socket_path.rfind('/');
  if (slash == std::string::npos) return success();
  const std::string directory = config.socket_path.substr(0, slash + 1);
  struct stat status {};
  const int code = stat(directory.c_str(), &status) != 0 ? errno : S_ISDIR(status.st_mode) ? 0 : ENOTDIR;
  if (code == 0) return success();
  return Error::from_errno(source_of(config, "server.socket_path") + " is in " + directory + ", which cannot be used",
                           code);
}

}  // namespace

Status check_start(const Config& config) {
  if (Status directory = check_socket_directory(config); !directory) return directory;
  if (const std::string journals = journal_directory(config); !journals.empty()) {
    if (Status checked = JournalDirectory::check(journals); !checked) return checked;
  }
  Result<std::uint64_t> open_files_limit = raise_open_files_limit();
  if (!open_files_limit) return open_files_limit.error();
  const Result<EngineChoice> engine = choose_engine(config.engine);
  if (!engine) return engine.error();
  Result<Capacity> capacity =
      plan_capacity(config, std::thread::hardware_concurrency(), *open_files_limit, engine->direct_files);
  if (!capacity) return capacity.error();
  if (Status started = UpstreamClient::start_library(); !started) return started;
  const auto make_one = [&](const RingOptions& options) { return make_ring(engine->engine, options); };
  return Workforce(config).make(std::make_shared<const Config>(config), *capacity, engine->direct_files, make_one, -1);
}

}  // namespace streaming
