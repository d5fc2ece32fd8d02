#include "server/config_check.h"

#include "backends/exec.h"
#include "config/option.h"

namespace streaming {

LogSettings log_settings(const Config& config) {
  return {config.log_level, config.log_format, config.log_file};
}

Status check_config(const Config& config) {
  if (config.backend == kExecBackend && config.exec_commands.empty()) {
    return Error{source_of(config, "backend.provider") + " is exec, which needs programs; set backend.exec.commands"};
  }
  return success();
}

}  // namespace streaming
