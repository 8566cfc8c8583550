// SPDX-License-Identifier: GPL-2.0
#include "groups.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace nslab {

std::vector<Group> groups_of(std::vector<double> values) {
  constexpr std::size_t fewest = 6;
  constexpr double part = 0.1;
  constexpr double least_range = 0.001;
  if (values.size() < fewest) return {};
  std::sort(values.begin(), values.end());
  const double range = values.back() - values.front();
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  if (range <= 0 || range < least_range * std::abs(mean)) return {};

  std::vector<Group> groups;
  for (const double value : values) {
    if (groups.empty() || value - groups.back().high > part * range) groups.push_back({value, value, 0});
    groups.back().high = value;
    ++groups.back().count;
  }
  double widths = 0;
  for (const Group& group : groups) widths += group.high - group.low;
  const auto full = std::count_if(groups.begin(), groups.end(), [](const Group& g) { return g.count >= 2; });
  const bool few = 3 * groups.size() <= values.size();
  return few && full >= 2 && widths <= part * range ? groups : std::vector<Group>{};
}

}  // namespace nslab
