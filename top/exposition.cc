// SPDX-License-Identifier: Apache-2.0
#include "top/exposition.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace top {
namespace {

// Takes NAME="VALUE" off the front of `text`, with the comma behind it; false when there is no such thing.
bool take_label(std::string_view& text, Labels& labels) {
  const std::size_t equals = text.find("=\"");
  if (equals == std::string_view::npos) return false;
  std::string value;
  std::size_t at = equals + 2;
  for (; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\' && at + 1 < text.size()) ++at;
    value += text[at];
  }
  if (at == text.size()) return false;
  labels.emplace(text.substr(0, equals), std::move(value));
  text.remove_prefix(at + 1);
  if (text.starts_with(',')) text.remove_prefix(1);
  return true;
}

}  // namespace

Exposition Exposition::parse(std::string_view text) {
  Exposition exposition;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t name_end = line.find_first_of("{ ");
    if (line.starts_with('#') || name_end == std::string_view::npos) continue;
    Sample sample{std::string(line.substr(0, name_end)), {}, 0};
    line.remove_prefix(name_end);
    if (line.starts_with('{')) {
      line.remove_prefix(1);
      while (!line.starts_with('}') && take_label(line, sample.labels)) {
      }
      if (!line.starts_with('}')) continue;
      line.remove_prefix(1);
    }
    const std::string number(line);
    char* number_end = nullptr;
    sample.value = std::strtod(number.c_str(), &number_end);
    if (number_end != number.c_str()) exposition.samples_.push_back(std::move(sample));
  }
  return exposition;
}

double Exposition::sum(std::string_view metric) const {
  double total = 0;
  for (const Sample& sample : samples_) {
    if (sample.metric == metric) total += sample.value;
  }
  return total;
}

std::map<std::string, double> Exposition::by(std::string_view metric, const std::string& label) const {
  std::map<std::string, double> values;
  for (const Sample& sample : samples_) {
    if (sample.metric != metric) continue;
    if (const auto found = sample.labels.find(label); found != sample.labels.end()) {
      values[found->second] += sample.value;
    }
  }
  return values;
}

std::vector<std::pair<double, double>> Exposition::buckets(std::string_view histogram) const {
  std::vector<std::pair<double, double>> buckets;
  for (const auto& [bound, count] : by(std::string(histogram) + "_bucket", "le")) {
    buckets.emplace_back(
        bound == "+Inf" ? std::numeric_limits<double>::infinity() : std::strtod(bound.c_str(), nullptr), count);
  }
  std::sort(buckets.begin(), buckets.end());
  return buckets;
}

double quantile(double fraction, const std::vector<std::pair<double, double>>& before,
                const std::vector<std::pair<double, double>>& after) {
  std::vector<std::pair<double, double>> between = after;
  for (std::size_t i = 0; i < between.size() && i < before.size(); ++i) between[i].second -= before[i].second;
  if (between.empty() || between.back().second <= 0) return std::numeric_limits<double>::quiet_NaN();
  const double wanted = fraction * between.back().second;
  double lower = 0, below = 0;
  for (const auto& [bound, count] : between) {
    if (count >= wanted) {
      // Of what is beyond the last bound, nothing is known but that.
      return std::isinf(bound) ? lower : lower + (bound - lower) * (wanted - below) / std::max(count - below, 1.0);
    }
    lower = bound;
    below = count;
  }
  return lower;
}

}  // namespace top
