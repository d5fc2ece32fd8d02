#include "base/log.h"

#include <signal.h>

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <memory>
#include <string>

#include "base/check.h"

namespace streaming {

void start_log() {
  // Whoever reads stderr may be slow, or have stopped: a worker must not wait for it. A thread writes, and where it
  // cannot keep up the oldest lines are lost.
  constexpr std::size_t kWaitingLines = 8192;
  // The signals are the main thread's.
  sigset_t all_signals, before;
  sigfillset(&all_signals);
  pthread_sigmask(SIG_SETMASK, &all_signals, &before);
  spdlog::init_thread_pool(kWaitingLines, 1);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  auto logger =
      std::make_shared<spdlog::async_logger>("streaming-daemon", std::make_shared<spdlog::sinks::stderr_sink_mt>(),
                                             spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  spdlog::set_default_logger(std::move(logger));
}

void end_log() {
  spdlog::shutdown();
}

bool is_log_level(std::string_view name) {
  return name == "debug" || name == "info" || name == "warn" || name == "error";
}

void set_log_level(std::string_view name) {
  CHECK(is_log_level(name));
  spdlog::set_level(spdlog::level::from_str(std::string(name)));
}

}  // namespace streaming
