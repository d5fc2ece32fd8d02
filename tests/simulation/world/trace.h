// SPDX-License-Identifier: Apache-2.0
// Trace: what has happened in a simulated run, as lines and as a number. The lines of the last steps explain a failure;
// the number shows whether two runs were the same.
//
// One per World, on its thread.

#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace streaming::simulation {

class Trace {
 public:
  // `prints`: each line at once, to stdout.
  explicit Trace(bool prints) : prints_(prints) {}

  void set_time(std::int64_t ns) { now_ns_ = ns; }

  // A step of the run. What is noted must be the same on every machine: no addresses, no descriptors of the system.
  template <typename... Values>
  void note(fmt::format_string<Values...> format, Values&&... values) {
    Line& line = lines_[count_++ % lines_.size()];
    line.ns = now_ns_;
    const auto end = fmt::format_to_n(line.text.data(), line.text.size(), format, std::forward<Values>(values)...);
    line.bytes = std::min(end.size, line.text.size());
    fold(line);
    if (prints_) print(line);
  }

  std::uint64_t steps() const { return count_; }
  // Of all lines so far.
  std::uint64_t hash() const { return hash_; }
  // Writes the last lines to stderr. Allocates nothing, so that the handler of a signal may call it.
  void print_last() const;

 private:
  struct Line {
    std::int64_t ns = 0;
    std::size_t bytes = 0;
    std::array<char, 140> text;
  };

  void fold(const Line& line);
  static void print(const Line& line);

  const bool prints_;
  std::int64_t now_ns_ = 0;
  std::uint64_t count_ = 0;
  std::uint64_t hash_ = 0xcbf29ce484222325;
  std::array<Line, 200> lines_{};
};

}  // namespace streaming::simulation
