// SPDX-License-Identifier: Apache-2.0
// LogLine: a log line with named values: "MESSAGE name=value ..." as text, separate members in JSON. Any thread.

#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "base/log.h"

namespace streaming {

class LogLine {
 public:
  explicit LogLine(std::string_view message);

  // Leaves out empty values. A text may come from a peer: it is quoted if necessary.
  LogLine& add(std::string_view name, std::string_view value);
  template <std::integral Number>
  LogLine& add(std::string_view name, Number value) {
    return add_verbatim(name, std::to_string(value));
  }

  void write(log::Level level = log::Level::kInfo) const;
  // For a command, which has no log.
  const std::string& text() const { return text_; }

 private:
  LogLine& add_verbatim(std::string_view name, std::string_view value);

  const bool json_;
  std::string text_;
};

}  // namespace streaming
