// SPDX-License-Identifier: Apache-2.0
// LogWriter: the log's waiting lines, and the thread that writes them.
//
// There is one. It is made at the start and never destroyed, because threads may log until the process ends. No caller
// waits for the output: lines over kMaxLogBytes are lost, and counted. The thread gathers lines for kLogPause and
// writes them together.

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

// Bytes of waiting lines. Over it: a line is lost, and counted.
inline constexpr std::size_t kMaxLogBytes = 1024 * 1024;

// Time for which lines are gathered before they are written together.
inline constexpr Duration kLogPause{5};

class LogWriter {
 public:
  // Starts the thread, which receives no signals.
  explicit LogWriter(UniqueFd output);

  // Any thread. `line` includes its end of line.
  void append(std::string_view line);

  // Applies to the next lines.
  void set_output(UniqueFd output);

  // Returns when all lines are written, or after `timeout`, because the reader of the output may have stopped.
  void finish(Duration timeout);

  // The number of lines lost since the start: there was no room for them, or the output did not accept them. Any
  // thread.
  std::uint64_t lost();

 private:
  void run();
  // Returns the number of lines that the output did not accept.
  static std::uint64_t write_all(int fd, std::string_view lines);

  std::mutex mutex_;
  std::condition_variable wake_;     // the thread
  std::condition_variable written_;  // finish()
  std::string waiting_;
  std::shared_ptr<const UniqueFd> output_;  // shared with the thread, which may be in a write
  std::uint64_t lost_ = 0;
  bool sleeping_ = false;   // the thread waits for a first line
  bool writing_ = false;    // it has taken lines and not written all of them
  bool finishing_ = false;  // it does not wait for more lines
};

}  // namespace streaming
