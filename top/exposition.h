// SPDX-License-Identifier: Apache-2.0
// The text in which Prometheus' metrics are exposed, as handoff-top needs it. Pure.

#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace top {

using Labels = std::map<std::string, std::string>;

// What a daemon has counted at one moment.
class Exposition {
 public:
  // Lines that it cannot read are left out.
  static Exposition parse(std::string_view text);

  // The sum of the samples of that metric; 0 where there is none.
  double sum(std::string_view metric) const;
  // The samples of that metric by the value of one label, added up.
  std::map<std::string, double> by(std::string_view metric, const std::string& label) const;
  // The counts of a histogram's buckets, cumulative, by their upper bounds.
  std::vector<std::pair<double, double>> buckets(std::string_view histogram) const;

 private:
  struct Sample {
    std::string metric;
    Labels labels;
    double value = 0;
  };

  std::vector<Sample> samples_;
};

// The value below which `fraction` of what came between two moments lies, by interpolation in its bucket; in the
// histogram's unit. NaN where nothing came.
double quantile(double fraction, const std::vector<std::pair<double, double>>& before,
                const std::vector<std::pair<double, double>>& after);

}  // namespace top
