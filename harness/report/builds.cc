// SPDX-License-Identifier: GPL-2.0
#include "builds.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "build_name.h"

namespace nslab {
namespace {

constexpr std::uint64_t kRefusedSeeds = 1'000'000;  // beyond all builds' numbers

/// Adds a boot to those of its build. Sums add up, so that the mean is that over all repetitions; the minimum and the
/// median of a build are the lowest of its boots' and that of their medians' mean.
void add_boot(Sample& all, const Sample& boot, std::uint64_t boots_before) {
  all.iterations += boot.iterations;
  all.sum += boot.sum;
  all.sum_first_half += boot.sum_first_half;
  all.minimum = std::min(all.minimum, boot.minimum);
  all.maximum = std::max(all.maximum, boot.maximum);
  all.median = (all.median * boots_before + boot.median) / (boots_before + 1);
  all.p90 = (all.p90 * boots_before + boot.p90) / (boots_before + 1);
  all.involuntary_switches += boot.involuntary_switches;
}

BootValue value_of_boot(const Sample& sample) {
  const auto half = static_cast<double>(sample.iterations / 2);
  const auto rest = static_cast<double>(sample.iterations) - half;
  const double mean = sample.mean();
  if (half == 0) return {sample.seed, mean, mean, mean};
  return {sample.seed, mean, static_cast<double>(sample.sum_first_half) / half,
          static_cast<double>(sample.sum - sample.sum_first_half) / rest};
}

}  // namespace

int builds_in(const std::vector<Sample>& samples) {
  int most = 1;
  for (const Sample& sample : samples) most = std::max(most, kernel_and_build(sample.kernel).second + 1);
  return most;
}

std::vector<Sample> over_builds(const std::vector<Sample>& samples) {
  if (builds_in(samples) == 1) return samples;
  using Key = std::tuple<std::string, std::string, int, std::string, int, bool>;
  std::map<Key, std::pair<Sample, std::uint64_t>> builds;
  for (const Sample& sample : samples) {
    const auto [kernel, build] = kernel_and_build(sample.kernel);
    const bool refused = sample.status == CellStatus::refused;
    const Key key{sample.condition, kernel, sample.depth, sample.benchmark, build, refused};
    if (const auto known = builds.find(key); known != builds.end()) {
      if (!refused) add_boot(known->second.first, sample, known->second.second);
      ++known->second.second;
      continue;
    }
    Sample first = sample;
    first.kernel = kernel;
    first.seed = static_cast<std::uint64_t>(build) + 1 + (refused ? kRefusedSeeds : 0);
    builds.emplace(key, std::pair(std::move(first), 1));
  }
  std::vector<Sample> all;
  for (auto& [key, build] : builds) all.push_back(std::move(build.first));
  return all;
}

std::vector<CellLevels> cell_levels(const std::vector<Sample>& samples, const std::string& reference, double level) {
  std::map<std::tuple<std::string, int, std::string>, std::map<int, std::vector<BootValue>>> cells;
  for (const Sample& sample : samples) {
    if (sample.status != CellStatus::ok) continue;
    const auto [kernel, build] = kernel_and_build(sample.kernel);
    cells[{sample.benchmark, sample.depth, kernel}][build].push_back(value_of_boot(sample));
  }
  const auto boots_of = [&](const std::string& benchmark, int depth, const std::string& kernel) {
    BootsOfBuilds builds;
    const auto cell = cells.find({benchmark, depth, kernel});
    if (cell == cells.end()) return builds;
    for (const auto& [build, boots] : cell->second) builds.push_back(boots);
    return builds;
  };
  const auto mean_of_cell = [](const BootsOfBuilds& builds) {
    double sum = 0;
    for (const auto& boots : builds) {
      double of_build = 0;
      for (const BootValue& boot : boots) of_build += boot.mean;
      sum += of_build / static_cast<double>(boots.size());
    }
    return sum / static_cast<double>(builds.size());
  };
  std::vector<CellLevels> all;
  for (const auto& [key, by_build] : cells) {
    const auto& [benchmark, depth, kernel] = key;
    CellLevels cell{benchmark, kernel, depth, {}, {}, {}, {}};
    const BootsOfBuilds builds = boots_of(benchmark, depth, kernel);
    cell.levels = levels_of(builds);
    std::vector<BootValue> boots;
    for (const auto& of_build : builds) boots.insert(boots.end(), of_build.begin(), of_build.end());
    cell.drift = drift_percent(boots);
    const BootsOfBuilds origin = boots_of(benchmark, depth, reference);
    if (kernel != reference && !origin.empty() && mean_of_cell(origin) > 0) {
      cell.ratio = mean_of_cell(builds) / mean_of_cell(origin);
      cell.bootstrap = bootstrap_ratio(origin, builds, level);
    }
    all.push_back(std::move(cell));
  }
  return all;
}

}  // namespace nslab
