#include "server/config_check.h"

#include <string>

#include "backends/attachment_backend.h"
#include "backends/registry.h"
#include "base/log.h"
#include "sse/event_encoder.h"

namespace streaming {

LogSettings log_settings(const Config& config) {
  return {config.log_level, config.log_format, config.log_file};
}

Status check_config(const Config& config) {
  if (!is_log_level(config.log_level)) {
    return Error{"unknown logging.level " + config.log_level + "; there are: " + std::string(kLogLevels)};
  }
  if (!is_log_format(config.log_format)) {
    return Error{"unknown logging.format " + config.log_format + "; there are: " + std::string(kLogFormats)};
  }
  if (!find_format(config.response_format)) {
    return Error{"unknown response.format " + config.response_format + "; there are: " + format_names()};
  }
  if (const auto data_dir = open_data_dir(config); !data_dir) return data_dir.error();
  const BackendEntry* backend = find_backend(config.backend);
  if (backend == nullptr) {
    return Error{"unknown backend.provider " + config.backend + "; there are: " + backend_names()};
  }
  for (const std::string& name : config.fallback) {
    const BackendEntry* fallback = find_backend(name);
    if (fallback == nullptr) {
      return Error{"unknown backend " + name + " in backend.fallback; there are: " + backend_names()};
    }
    if (fallback->make == nullptr)
      return Error{"backend.fallback: " + name + " answers by itself, and cannot take over"};
    if (Status valid = fallback->validate(config); !valid) return Error{"backend.fallback: " + valid.error().message};
  }
  return backend->validate(config);
}

}  // namespace streaming
