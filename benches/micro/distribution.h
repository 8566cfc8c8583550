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
  std::uint64_t sum_first_half = 0;  ///< of the first iterations / 2: whether the warm-up had reached a steady state
  std::uint64_t minimum = 0;
  std::uint64_t median = 0;  ///< lower median: always a value that occurred
  std::uint64_t p90 = 0;     ///< nearest rank: the smallest value that nine tenths do not exceed
  std::uint64_t maximum = 0;
  bool operator==(const Distribution&) const = default;
};

/// Summarises repetitions, in the order in which they were made. All zero when there are none.
inline Distribution summarise(std::vector<std::uint64_t> costs) {
  if (costs.empty()) return {};
  const std::size_t count = costs.size();
  const auto half = costs.begin() + static_cast<std::ptrdiff_t>(count / 2);
  const std::uint64_t first_half = std::accumulate(costs.begin(), half, std::uint64_t{0});
  std::sort(costs.begin(), costs.end());
  return {
      .iterations = count,
      .sum = std::accumulate(costs.begin(), costs.end(), std::uint64_t{0}),
      .sum_first_half = first_half,
      .minimum = costs.front(),
      .median = costs[(count - 1) / 2],
      .p90 = costs[(9 * count + 9) / 10 - 1],
      .maximum = costs.back(),
  };
}

}  // namespace nslab::micro
