// SPDX-License-Identifier: Apache-2.0
// ForeignSetting: what stands in another daemon's configuration, YAML or TOML, read without knowing what it means.
//
// The file is hostile: its size, its depth and the length of its keys are bounded, and YAML's aliases are refused,
// because a few of them in each other stand for more than fits in memory.

#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"

namespace streaming {

inline constexpr std::size_t kLargestForeignFile = 32 * 1024;
inline constexpr std::size_t kDeepestForeignSection = 8;
inline constexpr std::size_t kLongestForeignKey = 256;  // with its sections

struct ForeignSetting {
  std::string key;                  // with its sections: "backend.openai.api_base"
  std::size_t line = 0;
  std::vector<std::string> values;  // one, or those of a list
  bool is_number_or_word = false;   // it stands there without quotation marks
};

// In the file's order. A file's kind is its name's end: .yaml, .yml or .toml. The Error names file and line.
Result<std::vector<ForeignSetting>> read_foreign_file(const std::string& path);

}  // namespace streaming
