// SPDX-License-Identifier: Apache-2.0
#include "config/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace streaming {
namespace {

// The Levenshtein distance.
std::size_t edits_between(std::string_view left, std::string_view right) {
  std::vector<std::size_t> row(right.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t replaced = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view found;
  std::size_t fewest = word.size() + 1;
  for (const std::string_view candidate : candidates) {
    for (const std::string_view name : {candidate, candidate.substr(candidate.rfind('.') + 1)}) {
      const std::size_t edits = edits_between(word, name);
      if (edits >= fewest || edits > (std::max(word.size(), name.size()) + 2) / 3) continue;
      fewest = edits;
      found = candidate;
    }
  }
  return found;
}

std::string did_you_mean(std::string_view word) {
  return word.empty() ? "" : "; did you mean " + std::string(word) + "?";
}

}  // namespace streaming
