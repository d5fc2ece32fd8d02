// SPDX-License-Identifier: Apache-2.0
// ForeignSetting: one setting of another daemon's configuration, YAML or TOML, read without interpreting it. Pure, but
// for the file.
//
// The file is hostile: its size, its depth and the length of its keys are bounded. YAML's aliases are refused, because
// a few nested ones can expand to more than fits in memory.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace streaming {

inline constexpr std::size_t kLargestForeignFile = 32 * 1024;
inline constexpr std::size_t kDeepestForeignSection = 8;
inline constexpr std::size_t kLongestForeignKey = 256;  // including its sections

struct ForeignSetting {
  std::string key;                  // including its sections: "backend.openai.api_base"
  std::size_t line = 0;
  std::vector<std::string> values;  // one, or the items of a list
  bool is_number_or_word = false;   // written without quotation marks
};

// Returns them in the file's order. The name's end decides the format: .yaml, .yml or .toml. The Error names file and
// line.
Result<std::vector<ForeignSetting>> read_foreign_file(const std::string& path);

}  // namespace streaming
