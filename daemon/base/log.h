// SPDX-License-Identifier: Apache-2.0
// The daemon's log: one line for each occurrence, as text or JSON, to stderr or a file. Any thread may log, and none
// waits for the output. Text from peers is made printable (base/printable.h), so that it cannot forge a line.
//
// Never log a prompt, a part of an answer, or a key.

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

// Lines below this level are not written.
void set_level(Level least);

// Writes `text` unchanged: it is not a format.
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

// The names of levels and of formats, for help and errors.
inline constexpr std::string_view kLogLevels = "debug, info, warn, error";
inline constexpr std::string_view kLogFormats = "text, json";
// The name of the output that is not a file.
inline constexpr std::string_view kLogToStderr = "stderr";

enum class LogFormat : std::uint8_t { kText, kJson };

struct LogSettings {
  std::string level = "info";      // one of kLogLevels
  std::string format = "text";     // one of kLogFormats
  std::string file{kLogToStderr};  // appended to
};

bool is_log_level(std::string_view name);
bool is_log_format(std::string_view name);

// Starts the thread that writes. Call it once, before any other thread starts. The Error reports why the file cannot be
// written.
Status start_log(const LogSettings& settings);

// Reopens the file, which may have been moved away, and applies `settings`. If that fails, it changes nothing and
// returns the reason. Main thread only.
Status restart_log(const LogSettings& settings);

// How long end_log() waits if the output accepts no lines. Over it: the waiting lines are lost.
inline constexpr Duration kLogEndTimeout{500};

// Writes the waiting lines, for at most kLogEndTimeout. Lines that other threads log afterwards are lost.
void end_log();

// The number of lines that could not be written since the start. Any thread.
std::uint64_t lost_log_lines();

LogFormat log_format();

// `text` as a JSON string, with its quotation marks.
std::string json_string(std::string_view text);

// Marks a line, as its first character, that consists of JSON members instead of a message.
inline constexpr char kJsonMembers = '\x1e';

}  // namespace streaming
