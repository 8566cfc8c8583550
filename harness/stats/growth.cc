// SPDX-License-Identifier: GPL-2.0
#include "growth.h"

#include <cmath>

namespace nslab {

std::optional<double> log_log_slope(const CostsBySize& costs) {
  std::vector<double> x;
  std::vector<double> y;
  for (const auto& [size, cost] : costs) {
    if (size <= 0 || cost <= 0) return std::nullopt;
    x.push_back(std::log(size));
    y.push_back(std::log(cost));
  }
  const double centre_x = mean(x);
  const double centre_y = mean(y);
  double xx = 0;
  double xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - centre_x) * (x[i] - centre_x);
    xy += (x[i] - centre_x) * (y[i] - centre_y);
  }
  if (xx == 0) return std::nullopt;
  return xy / xx;
}

Estimate growth(std::span<const CostsBySize> boots, double level) {
  std::vector<double> slopes;
  for (const CostsBySize& costs : boots) {
    if (const auto slope = log_log_slope(costs)) slopes.push_back(*slope);
  }
  return estimate(slopes, level);
}

}  // namespace nslab
