// SPDX-License-Identifier: GPL-2.0
#include "builds.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "build_name.h"
#include "json.h"

namespace nslab {
namespace {

constexpr std::uint64_t kRefusedSeeds = 1'000'000;  // beyond all builds' numbers

/// The boots of one build in one cell.
struct OfBuild {
  Sample first;
  std::uint64_t boots = 0;
  std::uint64_t minima = 0;  ///< sums
  std::uint64_t medians = 0;
  std::uint64_t p90s = 0;
  std::map<std::string, std::uint64_t> counted;  ///< of the layouts: what was counted in a boot
};

/// Whether a member of a layout is a count, of which several boots have the sum. All others are facts.
bool is_count(const std::string& name) {
  return name.starts_with("count_") || name == "counted_operations" || name.starts_with("worker_") ||
         name == "operations";
}

void add_boot(OfBuild& build, const Sample& boot) {
  Sample& all = build.first;
  if (build.boots++ > 0) {
    all.iterations += boot.iterations;
    all.sum += boot.sum;
    all.sum_first_half += boot.sum_first_half;
    all.maximum = std::max(all.maximum, boot.maximum);
    all.involuntary_switches += boot.involuntary_switches;
  }
  build.minima += boot.minimum;
  build.medians += boot.median;
  build.p90s += boot.p90;
  const Json layout = layout_of(boot);
  for (const auto& [name, value] : layout.items())
    if (is_count(name) && value.is_number_unsigned()) build.counted[name] += value.get<std::uint64_t>();
}

/// One sample for all boots: sums are sums, so that the mean is that over all repetitions; of the other figures it is
/// the mean over boots, rounded.
Sample as_sample(const OfBuild& build) {
  Sample all = build.first;
  const auto mean = [&](std::uint64_t sum) { return (sum + build.boots / 2) / build.boots; };
  all.minimum = mean(build.minima);
  all.median = mean(build.medians);
  all.p90 = mean(build.p90s);
  if (build.counted.empty()) return all;
  Json layout = layout_of(all);
  for (const auto& [name, sum] : build.counted) layout[name] = sum;
  all.layout = to_text(layout);
  return all;
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

std::vector<Sample> in_whole_rounds(const std::vector<Sample>& samples) {
  if (builds_in(samples) == 1) return samples;
  using Cell = std::tuple<std::string, std::string, int>;
  std::map<Cell, std::map<std::string, std::set<std::uint64_t>>> rounds;  // by cell and kernel
  for (const Sample& s : samples) rounds[{s.condition, s.benchmark, s.depth}][s.kernel].insert(s.seed);
  std::vector<Sample> whole;
  for (const Sample& s : samples) {
    const auto& kernels = rounds.at({s.condition, s.benchmark, s.depth});
    if (std::all_of(kernels.begin(), kernels.end(), [&](const auto& kernel) { return kernel.second.contains(s.seed); }))
      whole.push_back(s);
  }
  return whole;
}

std::vector<Sample> over_builds(const std::vector<Sample>& samples) {
  if (builds_in(samples) == 1) return samples;
  using Key = std::tuple<std::string, std::string, int, std::string, int, bool>;
  std::map<Key, OfBuild> builds;
  for (const Sample& sample : samples) {
    const auto [kernel, build] = kernel_and_build(sample.kernel);
    const bool refused = sample.status == CellStatus::refused;
    const Key key{sample.condition, kernel, sample.depth, sample.benchmark, build, refused};
    const auto [known, is_new] = builds.try_emplace(key);
    OfBuild& all = known->second;
    if (is_new) {
      all.first = sample;
      all.first.kernel = kernel;
      all.first.seed = static_cast<std::uint64_t>(build) + 1 + (refused ? kRefusedSeeds : 0);
    }
    add_boot(all, sample);
  }
  std::vector<Sample> all;
  for (const auto& [key, build] : builds) all.push_back(as_sample(build));
  return all;
}

std::vector<CellLevels> cell_levels(const std::vector<Sample>& samples, const std::string& reference,
                                    bool reference_at_depth_zero, double level) {
  using Key = std::tuple<std::string, int, std::string>;
  std::map<Key, std::map<int, std::vector<BootValue>>> cells;
  std::set<Key> refused;
  for (const Sample& sample : samples) {
    const auto [kernel, build] = kernel_and_build(sample.kernel);
    const Key key{sample.benchmark, sample.depth, kernel};
    if (sample.status != CellStatus::ok) refused.insert(key);
    if (sample.status == CellStatus::ok) cells[key][build].push_back(value_of_boot(sample));
  }
  for (const Key& key : refused) cells.erase(key);  // in part or wholly: no figure is given
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
    CellLevels cell{benchmark, kernel, depth, 0, {}, {}, {}, {}};
    const BootsOfBuilds builds = boots_of(benchmark, depth, kernel);
    cell.mean = mean_of_cell(builds);
    cell.levels = levels_of(builds);
    std::vector<BootValue> boots;
    for (const auto& of_build : builds) boots.insert(boots.end(), of_build.begin(), of_build.end());
    cell.drift = drift_percent(boots);
    const BootsOfBuilds origin = boots_of(benchmark, reference_at_depth_zero ? 0 : depth, reference);
    if (kernel != reference && !origin.empty() && mean_of_cell(origin) > 0) {
      cell.ratio = mean_of_cell(builds) / mean_of_cell(origin);
      cell.bootstrap = bootstrap_ratio(origin, builds, level);
    }
    all.push_back(std::move(cell));
  }
  return all;
}

}  // namespace nslab
