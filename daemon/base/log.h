// The daemon's log: one line an occurrence, to stderr. Any thread; none waits for it.
//
// Never pass a prompt, a token of an answer or a key to it.

#pragma once

#include <spdlog/spdlog.h>

#include <string_view>

namespace streaming {

namespace log = spdlog;

// The names of levels, as one list for help and errors.
inline constexpr std::string_view kLogLevels = "debug, info, warn, error";

// Sets up the format and the thread that writes. Call once, before the first other thread.
void start_log();

// Writes what waits. The last call; nothing is logged after it.
void end_log();

// Whether `name` is one of kLogLevels.
bool is_log_level(std::string_view name);

// `name` is one of kLogLevels.
void set_log_level(std::string_view name);

}  // namespace streaming
