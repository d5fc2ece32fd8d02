// The daemon's log: one line an occurrence, to stderr. Any thread.
//
// Never pass a prompt, a token of an answer or a key to it.

#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace streaming {

namespace log = spdlog;

// The names that set_log_level takes, as one list for help and errors.
inline constexpr std::string_view kLogLevels = "debug, info, warn, error";

// Sets up the format. Call once, before the first thread.
void start_log();

// False when `name` is not one of kLogLevels.
bool set_log_level(std::string_view name);

}  // namespace streaming
