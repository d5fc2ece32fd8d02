// SPDX-License-Identifier: Apache-2.0
// The daemon's log: one line an occurrence, as text or as JSON, to stderr or to a file. Any thread; none waits for it.
// What a line holds of a peer's is made printable (base/printable.h), so that no line can be forged.
//
// Never pass a prompt, a token of an answer or a key to it.

#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace streaming {

namespace log {

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError, kCritical, kOff };

// Lines below it are not written.
void set_level(Level least);

// `text` is the line as it is.
void write(Level level, std::string_view text);
void write_formatted(Level level, fmt::string_view format, fmt::format_args values);

template <typename... Values>
void write(Level level, fmt::format_string<Values...> format, Values&&... values) {
  write_formatted(level, fmt::string_view(format), fmt::make_format_args(values...));
}
template <typename... Values>
void info(fmt::format_string<Values...> format, Values&&... values) {
  write_formatted(Level::kInfo, fmt::string_view(format), fmt::make_format_args(values...));
}
template <typename... Values>
void warn(fmt::format_string<Values...> format, Values&&... values) {
  write_formatted(Level::kWarn, fmt::string_view(format), fmt::make_format_args(values...));
}
template <typename... Values>
void error(fmt::format_string<Values...> format, Values&&... values) {
  write_formatted(Level::kError, fmt::string_view(format), fmt::make_format_args(values...));
}
template <typename... Values>
void critical(fmt::format_string<Values...> format, Values&&... values) {
  write_formatted(Level::kCritical, fmt::string_view(format), fmt::make_format_args(values...));
}

}  // namespace log

// The names of levels, and of formats, as one list each for help and errors.
inline constexpr std::string_view kLogLevels = "debug, info, warn, error";
inline constexpr std::string_view kLogFormats = "text, json";
// The file that is none.
inline constexpr std::string_view kLogToStderr = "stderr";

enum class LogFormat : std::uint8_t { kText, kJson };

struct LogSettings {
  std::string level = "info";      // one of kLogLevels
  std::string format = "text";     // one of kLogFormats
  std::string file{kLogToStderr};  // appended to
};

bool is_log_level(std::string_view name);
bool is_log_format(std::string_view name);

// Sets up the thread that writes. Call once, before the first other thread; the Error says why the file cannot be
// written.
Status start_log(const LogSettings& settings);

// The main thread's: opens the file again, which may have been moved away, and goes on as `settings` says; or goes on
// as before, and says why.
Status restart_log(const LogSettings& settings);

// How long end_log() waits if the output takes no lines. Over it: the lines that wait are lost.
inline constexpr Duration kLogEndTimeout{500};

// Writes what waits, for kLogEndTimeout at most. Lines that other threads log afterwards are lost.
void end_log();

// Lines that could not be written since the start. Any thread.
std::uint64_t lost_log_lines();

LogFormat log_format();

// `text` between quotation marks.
std::string json_string(std::string_view text);

// With this in front a line in JSON holds members and not a message.
inline constexpr char kJsonMembers = '\x1e';

}  // namespace streaming
