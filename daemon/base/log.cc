// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <fcntl.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <memory>
#include <mutex>

#include "base/check.h"
#include "base/log_writer.h"
#include "base/printable.h"

namespace streaming {
namespace {

constexpr const char* kTimePattern = "%Y-%m-%dT%H:%M:%S.%e%z";

std::atomic<LogFormat> current_format{LogFormat::kText};

// Writes TIME LEVEL MESSAGE, or {"time":"...","level":"...","message":"..."}: always one line, whatever is in the
// message.
class Formatter final : public spdlog::formatter {
 public:
  explicit Formatter(LogFormat format) : format_(format) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const std::string_view text(message.payload.data(), message.payload.size());
    const auto level = spdlog::level::to_string_view(message.level);
    const bool json = format_ == LogFormat::kJson;
    if (json) append(out, "{\"time\":\"");
    time_.format(message, out);
    append(out, json ? "\",\"level\":\"" : " ");
    append(out, {level.data(), level.size()});
    append(out, json ? "\"," : " ");
    printable_.clear();
    if (!json) {
      append_printable(printable_, text);
    } else if (text.starts_with(kJsonMembers)) {
      append_printable(printable_, text.substr(1));
    } else {
      append_printable(printable_, "\"message\":" + json_string(text));
    }
    append(out, printable_);
    append(out, json ? "}\n" : "\n");
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<Formatter>(format_); }

 private:
  static void append(spdlog::memory_buf_t& out, std::string_view text) {
    out.append(text.data(), text.data() + text.size());
  }

  const LogFormat format_;
  std::string printable_;
  spdlog::pattern_formatter time_{kTimePattern, spdlog::pattern_time_type::local, ""};
};

// Receives spdlog's lines.
class Sink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit Sink(LogWriter& writer) : writer_(writer) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    write(message);
    const std::uint64_t lost = writer_.lost();
    if (lost == reported_) return;
    const std::string text = std::to_string(lost - std::exchange(reported_, lost)) +
                             " lines of the log were lost: its reader is too slow, or it cannot be written";
    write({message.logger_name, spdlog::level::warn, text});
  }
  void write(const spdlog::details::log_msg& message) {
    line_.clear();
    formatter_->format(message, line_);
    writer_.append({line_.data(), line_.size()});
  }
  void flush_() override {}

  LogWriter& writer_;
  spdlog::memory_buf_t line_;
  std::uint64_t reported_ = 0;
};

// Never destroyed, because threads may log until the process ends.
LogWriter* writer = nullptr;

Result<UniqueFd> open_output(const std::string& file) {
  UniqueFd output(file == kLogToStderr ? fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)
                                       : open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
  if (!output) return Error::from_errno("cannot write the log: " + file, errno);
  return output;
}

void use(const LogSettings& settings) {
  CHECK(is_log_level(settings.level) && is_log_format(settings.format));
  const LogFormat format = settings.format == "json" ? LogFormat::kJson : LogFormat::kText;
  spdlog::default_logger_raw()->set_formatter(std::make_unique<Formatter>(format));
  spdlog::set_level(spdlog::level::from_str(settings.level));
  current_format.store(format, std::memory_order_relaxed);
}

spdlog::level::level_enum level_of(log::Level level) {
  switch (level) {
    case log::Level::kDebug:
      return spdlog::level::debug;
    case log::Level::kInfo:
      return spdlog::level::info;
    case log::Level::kWarn:
      return spdlog::level::warn;
    case log::Level::kError:
      return spdlog::level::err;
    case log::Level::kCritical:
      return spdlog::level::critical;
    case log::Level::kOff:
      break;
  }
  return spdlog::level::off;
}

}  // namespace

void log::set_level(Level least) {
  spdlog::set_level(level_of(least));
}

void log::write(Level level, std::string_view text) {
  spdlog::default_logger_raw()->log(level_of(level), text);
}

void log::write_formatted(Level level, fmt::string_view format, fmt::format_args values) {
  spdlog::logger& logger = *spdlog::default_logger_raw();
  if (!logger.should_log(level_of(level))) return;
  logger.log(level_of(level), fmt::vformat(format, values));
}

bool is_log_level(std::string_view name) {
  return name == "debug" || name == "info" || name == "warn" || name == "error";
}

bool is_log_format(std::string_view name) {
  return name == "text" || name == "json";
}

Status start_log(const LogSettings& settings) {
  Result<UniqueFd> output = open_output(settings.file);
  if (!output) return output.error();
  writer = new LogWriter(std::move(*output));
  spdlog::set_default_logger(std::make_shared<spdlog::logger>("streaming-daemon", std::make_shared<Sink>(*writer)));
  use(settings);
  return success();
}

Status restart_log(const LogSettings& settings) {
  Result<UniqueFd> output = open_output(settings.file);
  if (!output) return output.error();
  writer->set_output(std::move(*output));
  use(settings);
  return success();
}

void end_log() {
  writer->finish(kLogEndTimeout);
}

std::uint64_t lost_log_lines() {
  return writer == nullptr ? 0 : writer->lost();
}

LogFormat log_format() {
  return current_format.load(std::memory_order_relaxed);
}

std::string json_string(std::string_view text) {
  rapidjson::StringBuffer out;
  rapidjson::Writer<rapidjson::StringBuffer> writer(out);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return {out.GetString(), out.GetSize()};
}

}  // namespace streaming
