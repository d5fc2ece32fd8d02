// SPDX-License-Identifier: Apache-2.0
// LogWriter: the lines of the log that wait to be written, and the thread that writes them.
//
// One, made at start and never destroyed, because threads may log until the process ends. Nobody waits for the output:
// lines beyond kMaxLogBytes are lost, and counted. The thread gathers lines for kLogPause and writes them together.

#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/unique_fd.h"

namespace streaming {

// Lines that wait to be written. Over it: lost, and counted.
inline constexpr std::size_t kMaxLogBytes = 1024 * 1024;

// How long lines are gathered before they are written together.
inline constexpr Duration kLogPause{5};

class LogWriter {
 public:
  // Starts the thread, which takes no signal.
  explicit LogWriter(UniqueFd output);

  // Any thread. `line` has its end of line.
  void append(std::string_view line);

  // From the next lines on.
  void set_output(UniqueFd output);

  // Returns when all is written, or after `timeout`: whoever reads the output may have stopped.
  void finish(Duration timeout);

  // Lines that were lost since the start: there was no room for them, or the output did not take them. Any thread.
  std::uint64_t lost();

 private:
  void run();
  // How many lines the output did not take.
  static std::uint64_t write_all(int fd, std::string_view lines);

  std::mutex mutex_;
  std::condition_variable wake_;     // the thread
  std::condition_variable written_;  // finish()
  std::string waiting_;
  std::shared_ptr<const UniqueFd> output_;  // shared with the thread, which may be in a write
  std::uint64_t lost_ = 0;
  bool sleeping_ = false;   // the thread waits for the first line
  bool writing_ = false;    // it has taken lines that are not written yet
  bool finishing_ = false;  // it is not to wait for more lines
};

}  // namespace streaming
