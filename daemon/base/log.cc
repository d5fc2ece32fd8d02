#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>

#include <memory>
#include <string>

namespace streaming {

void start_log() {
  auto logger = std::make_shared<spdlog::logger>("streaming-daemon", std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

bool set_log_level(std::string_view name) {
  if (name != "debug" && name != "info" && name != "warn" && name != "error") return false;
  spdlog::set_level(spdlog::level::from_str(std::string(name)));
  return true;
}

}  // namespace streaming
