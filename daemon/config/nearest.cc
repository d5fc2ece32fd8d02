#include "config/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace streaming {
namespace {

// Levenshtein's distance.
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
  const auto least = std::min_element(candidates.begin(), candidates.end(), [word](auto left, auto right) {
    return edits_between(word, left) < edits_between(word, right);
  });
  return least == candidates.end() ? std::string_view{} : *least;
}

}  // namespace streaming
