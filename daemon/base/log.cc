#include "base/log.h"

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <signal.h>

#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>

#include "base/check.h"

namespace streaming {
namespace {

constexpr const char* kTimePattern = "%Y-%m-%dT%H:%M:%S.%e%z";

std::atomic<LogFormat> current_format{LogFormat::kText};

// {"time":"...","level":"...","message":"..."}
class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    append(out, "{\"time\":\"");
    time_.format(message, out);
    append(out, "\",\"level\":\"");
    append(out, {level_name(message).data(), level_name(message).size()});
    append(out, "\",");
    const std::string_view text(message.payload.data(), message.payload.size());
    if (text.starts_with(kJsonMembers)) {
      append(out, text.substr(1));
    } else {
      append(out, "\"message\":" + json_string(text));
    }
    append(out, "}\n");
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }

 private:
  static std::string_view level_name(const spdlog::details::log_msg& message) {
    const auto& name = spdlog::level::to_string_view(message.level);
    return {name.data(), name.size()};
  }
  static void append(spdlog::memory_buf_t& out, std::string_view text) {
    out.append(text.data(), text.data() + text.size());
  }

  spdlog::pattern_formatter time_{kTimePattern, spdlog::pattern_time_type::local, ""};
};

// Where lines go: one sink, which can be exchanged while others log.
std::shared_ptr<spdlog::sinks::dist_sink_mt> outlet;

Result<spdlog::sink_ptr> make_sink(const LogSettings& settings) try {
  spdlog::sink_ptr sink;
  if (settings.file == kLogToStderr) {
    sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  } else {
    sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(settings.file);
  }
  if (settings.format == "json") {
    sink->set_formatter(std::make_unique<JsonFormatter>());
  } else {
    sink->set_pattern(std::string(kTimePattern) + " %l %v");
  }
  return sink;
} catch (const spdlog::spdlog_ex& error) {
  return Error{std::string("cannot write the log: ") + error.what()};
}

}  // namespace

bool is_log_level(std::string_view name) {
  return name == "debug" || name == "info" || name == "warn" || name == "error";
}

bool is_log_format(std::string_view name) {
  return name == "text" || name == "json";
}

Status start_log(const LogSettings& settings) {
  // Whoever reads stderr may be slow, or have stopped: a worker must not wait for it. A thread writes, and where it
  // cannot keep up the oldest lines are lost.
  constexpr std::size_t kWaitingLines = 8192;
  // The signals are the main thread's.
  sigset_t all_signals, before;
  sigfillset(&all_signals);
  pthread_sigmask(SIG_SETMASK, &all_signals, &before);
  spdlog::init_thread_pool(kWaitingLines, 1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  outlet = std::make_shared<spdlog::sinks::dist_sink_mt>();
  auto logger = std::make_shared<spdlog::async_logger>("streaming-daemon", outlet, spdlog::thread_pool(),
                                                       spdlog::async_overflow_policy::overrun_oldest);
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
  return restart_log(settings);
}

Status restart_log(const LogSettings& settings) {
  CHECK(is_log_level(settings.level) && is_log_format(settings.format));
  Result<spdlog::sink_ptr> sink = make_sink(settings);
  if (!sink) return sink.error();
  outlet->set_sinks({*sink});
  spdlog::set_level(spdlog::level::from_str(settings.level));
  current_format.store(settings.format == "json" ? LogFormat::kJson : LogFormat::kText, std::memory_order_relaxed);
  return success();
}

void end_log() {
  spdlog::shutdown();
  outlet.reset();
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
