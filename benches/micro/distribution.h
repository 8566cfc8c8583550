// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

namespace nslab::micro {

/// What is kept of a cell's repetitions. Integers throughout: the mean is the reader's, sum / iterations.
struct Distribution {
  std::uint64_t iterations = 0;
  std::uint64_t sum = 0;
  std::uint64_t minimum = 0;
  std::uint64_t median = 0;  ///< lower median: always a value that occurred
  std::uint64_t p90 = 0;     ///< nearest rank: the smallest value that nine tenths do not exceed
  std::uint64_t maximum = 0;
  bool operator==(const Distribution&) const = default;
};

/// Summarises repetitions, in any order. All zero when there are none.
inline Distribution summarise(std::vector<std::uint64_t> costs) {
  if (costs.empty()) return {};
  std::sort(costs.begin(), costs.end());
  const std::size_t count = costs.size();
  return {
      .iterations = count,
      .sum = std::accumulate(costs.begin(), costs.end(), std::uint64_t{0}),
      .minimum = costs.front(),
      .median = costs[(count - 1) / 2],
      .p90 = costs[(9 * count + 9) / 10 - 1],
      .maximum = costs.back(),
  };
}

}  // namespace nslab::micro
