// SPDX-License-Identifier: GPL-2.0
#include "levels.h"

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <map>
#include <numeric>

namespace nslab {

namespace {

double mean_of(const std::vector<BootValue>& boots) {
  double sum = 0;
  for (const BootValue& boot : boots) sum += boot.mean;
  return boots.empty() ? 0 : sum / static_cast<double>(boots.size());
}

/// The mean of the builds' means.
double mean_of(const BootsOfBuilds& builds) {
  double sum = 0;
  for (const auto& boots : builds) sum += mean_of(boots);
  return builds.empty() ? 0 : sum / static_cast<double>(builds.size());
}

std::size_t boots_in(const BootsOfBuilds& builds) {
  return std::accumulate(builds.begin(), builds.end(), std::size_t{0},
                         [](std::size_t sum, const auto& boots) { return sum + boots.size(); });
}

/// Takes from each value what its round adds to the mean over all kernels' builds: its own build's mean is the measure,
/// so that a round in which a build is missing is not mistaken for a cheap one.
void take_rounds_away(const std::vector<BootsOfBuilds*>& kernels) {
  std::map<std::uint64_t, std::pair<double, int>> of_round;  // sum of what is beyond the builds' means, and how many
  for (const BootsOfBuilds* kernel : kernels) {
    for (const auto& boots : *kernel) {
      const double mean = mean_of(boots);
      for (const BootValue& boot : boots) {
        auto& [sum, count] = of_round[boot.round];
        sum += boot.mean - mean;
        ++count;
      }
    }
  }
  for (BootsOfBuilds* kernel : kernels) {
    for (auto& boots : *kernel) {
      for (BootValue& boot : boots) {
        const auto& [sum, count] = of_round.at(boot.round);
        boot.mean -= sum / count;
      }
    }
  }
}

double square(double value) { return value * value; }

/// SplitMix64, as plan.cc has it: the same draws everywhere.
class Draws {
 public:
  std::size_t below(std::size_t bound) {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return static_cast<std::size_t>(static_cast<unsigned __int128>(z) * bound >> 64);
  }

 private:
  std::uint64_t state_ = 1;
};

double drawn_mean(const BootsOfBuilds& builds, Draws& draws) {
  double sum = 0;
  for (std::size_t i = 0; i < builds.size(); ++i) {
    const auto& boots = builds[draws.below(builds.size())];
    double of_build = 0;
    for (std::size_t j = 0; j < boots.size(); ++j) of_build += boots[draws.below(boots.size())].mean;
    sum += of_build / static_cast<double>(boots.size());
  }
  return sum / static_cast<double>(builds.size());
}

/// Of a sorted list, between its neighbours.
double percentile(const std::vector<double>& sorted, double part) {
  const double at = part * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(at);
  const auto high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - static_cast<double>(low)) * (sorted[high] - sorted[low]);
}

}  // namespace

std::optional<Levels> levels_of(const BootsOfBuilds& boots) {
  BootsOfBuilds builds = boots;
  if (builds.size() < 2 || builds.front().size() < 2) return std::nullopt;
  for (const auto& of_build : builds)
    if (of_build.size() != builds.front().size()) return std::nullopt;
  take_rounds_away({&builds});
  Levels levels;
  levels.builds = static_cast<int>(builds.size());
  levels.boots = static_cast<int>(boots_in(builds));
  double within = 0;
  std::vector<double> halves;
  std::vector<double> means;
  for (const auto& of_build : builds) {
    const double mean = mean_of(of_build);
    means.push_back(mean);
    for (const BootValue& boot : of_build) {
      halves.push_back(boot.second_half - boot.first_half);
      within += square(boot.mean - mean);
    }
  }
  const auto rounds = static_cast<double>(builds.front().size());
  within /= (rounds - 1) * (levels.builds - 1);
  const double repetitions = square(standard_deviation(halves)) / 4;
  const double between = square(standard_deviation(means));
  levels.of_repetitions = std::sqrt(repetitions);
  levels.between_boots = std::sqrt(std::max(0.0, within - repetitions));
  levels.between_builds = std::sqrt(std::max(0.0, between - within / rounds));
  return levels;
}

std::optional<Interval> bootstrap_ratio(const BootsOfBuilds& a, const BootsOfBuilds& b, double level) {
  constexpr int kDraws = 4000;
  BootsOfBuilds sides[] = {a, b};
  for (BootsOfBuilds& builds : sides) {
    std::erase_if(builds, [](const auto& boots) { return boots.empty(); });
    if (builds.size() < kLeastBuilds) return std::nullopt;
  }
  if (mean_of(sides[0]) <= 0 || mean_of(sides[1]) <= 0) return std::nullopt;
  take_rounds_away({&sides[0], &sides[1]});
  Draws draws;
  std::vector<double> ratios;
  for (int i = 0; i < kDraws; ++i) {
    const double below = drawn_mean(sides[0], draws);
    const double above = drawn_mean(sides[1], draws);
    ratios.push_back(above / below);
  }
  std::sort(ratios.begin(), ratios.end());
  // A draw from n values varies as if divided by n and not by n − 1, and its shape is the normal distribution's, not
  // Student's. The two sides are drawn apart, so that their difference has the degrees of freedom of both.
  const auto n = static_cast<double>(std::min(sides[0].size(), sides[1].size()));
  const int degrees = static_cast<int>(sides[0].size() + sides[1].size()) - 2;
  const double z = std::sqrt(n / (n - 1)) * student_quantile(level, degrees);
  const double tail = boost::math::cdf(boost::math::normal(), -z);
  return Interval{percentile(ratios, tail), percentile(ratios, 1 - tail)};
}

std::optional<PairsNeeded> pairs_to_decide(const Comparison& comparison, double margin_percent, double level,
                                           std::size_t family) {
  constexpr int kMost = 1000;
  constexpr int kFewest = 5;
  constexpr double kPower = 0.6;  // the two-sided level whose upper end is passed in 1 of 5 cases
  if (comparison.verdict != Verdict::undecided || !comparison.interval) return std::nullopt;
  if (comparison.pairs < kFewest) return PairsNeeded{};
  const double alpha = (1 - level) / static_cast<double>(std::max<std::size_t>(family, 1));
  const double n = comparison.pairs;
  const double spread =
      comparison.interval->half_width() * std::sqrt(n) / student_quantile(level, comparison.pairs - 1);
  const double size = std::abs(comparison.difference);
  const double margin = std::abs(comparison.mean_a) * margin_percent / 100;
  for (int pairs = comparison.pairs + 1; pairs <= kMost + comparison.pairs; ++pairs) {
    const double error = spread / std::sqrt(pairs);
    const double chance = student_quantile(kPower, pairs - 1) * error;
    const bool is_more = student_quantile(1 - alpha, pairs - 1) * error + chance < size &&
                         (!comparison.floor || size - chance > *comparison.floor);
    const bool is_less =
        comparison.p_equivalent && size + student_quantile(1 - 2 * alpha, pairs - 1) * error + chance < margin;
    if (is_more || is_less) return PairsNeeded{PairsNeeded::Kind::more, pairs - comparison.pairs};
  }
  const bool is_below = comparison.floor && size <= *comparison.floor;
  return PairsNeeded{is_below ? PairsNeeded::Kind::by_floor : PairsNeeded::Kind::too_many, 0};
}

std::optional<double> drift_percent(const std::vector<BootValue>& boots) {
  if (boots.size() < 3) return std::nullopt;
  std::vector<double> differences;
  double first = 0;
  for (const BootValue& boot : boots) {
    differences.push_back(boot.second_half - boot.first_half);
    first += boot.first_half;
  }
  const Estimate drift = estimate(differences, 0.99);
  if (!drift.interval || first <= 0 || drift.interval->holds(0)) return std::nullopt;
  return 100 * drift.value * static_cast<double>(boots.size()) / first;
}

}  // namespace nslab
