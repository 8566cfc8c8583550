// SPDX-License-Identifier: GPL-2.0
#include "levels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "files.h"
#include "paths.h"

namespace nslab {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  // Box and Muller's: std::normal_distribution differs between libraries.
  double normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * 3.14159265358979324 * uniform()); }

 private:
  double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }
  std::mt19937_64 engine_;
};

/// Standard deviations of each level.
struct Design {
  int builds;
  int rounds;
  double of_builds;
  double of_rounds;
  double of_boots;
  double of_repetitions;
};

std::vector<double> rounds(Random& random, const Design& design) {
  std::vector<double> effects;
  for (int round = 0; round < design.rounds; ++round) effects.push_back(design.of_rounds * random.normal());
  return effects;
}

BootsOfBuilds boots(Random& random, const Design& design, const std::vector<double>& rounds, double cost) {
  BootsOfBuilds builds;
  for (int build = 0; build < design.builds; ++build) {
    const double of_build = cost + design.of_builds * random.normal();
    auto& of_this = builds.emplace_back();
    for (int round = 0; round < design.rounds; ++round) {
      const double of_boot = of_build + rounds[static_cast<std::size_t>(round)] + design.of_boots * random.normal();
      const double half = design.of_repetitions * std::sqrt(2);  // of the mean of half as many repetitions
      const double first = of_boot + half * random.normal();
      const double second = of_boot + half * random.normal();
      of_this.push_back({static_cast<std::uint64_t>(round), (first + second) / 2, first, second});
    }
  }
  return builds;
}

TEST(Levels, EachComponentIsFound) {
  const Design design = {6, 10, 30, 200, 20, 10};
  Random random(1);
  double of_builds = 0;
  double of_boots = 0;
  double of_repetitions = 0;
  constexpr int kTimes = 300;
  for (int i = 0; i < kTimes; ++i) {
    const auto levels = levels_of(boots(random, design, rounds(random, design), 10'000));
    ASSERT_TRUE(levels);
    EXPECT_EQ(levels->builds, 6);
    EXPECT_EQ(levels->boots, 60);
    of_builds += levels->between_builds * levels->between_builds / kTimes;
    of_boots += levels->between_boots * levels->between_boots / kTimes;
    of_repetitions += levels->of_repetitions * levels->of_repetitions / kTimes;
  }
  EXPECT_NEAR(std::sqrt(of_builds), 30, 2);
  EXPECT_NEAR(std::sqrt(of_boots), 20, 1);
  EXPECT_NEAR(std::sqrt(of_repetitions), 10, 0.5);
}

TEST(Levels, OneBuildOrOneBootTellNothing) {
  EXPECT_FALSE(levels_of({}));
  EXPECT_FALSE(levels_of({{{1, 5, 5, 5}, {2, 6, 6, 6}}}));
  EXPECT_FALSE(levels_of({{{1, 5, 5, 5}}, {{1, 6, 6, 6}}}));
  EXPECT_FALSE(levels_of({{{1, 5, 5, 5}, {2, 5, 5, 5}}, {{1, 6, 6, 6}}})) << "a round is missing";
  const BootsOfBuilds four(4, {{1, 5, 5, 5}, {2, 6, 6, 6}});
  const BootsOfBuilds five(5, {{1, 5, 5, 5}, {2, 6, 6, 6}});
  EXPECT_FALSE(bootstrap_ratio(four, five, 0.95));
  EXPECT_TRUE(bootstrap_ratio(five, five, 0.95));
  EXPECT_FALSE(bootstrap_ratio({}, {}, 0.95));
  EXPECT_FALSE(bootstrap_ratio(BootsOfBuilds(5, {{1, 0, 0, 0}}), five, 0.95));
}

/// How often the interval of equal kernels holds 1.
double coverage(const Design& design, std::uint64_t seed) {
  constexpr int kTimes = 300;
  Random random(seed);
  int covered = 0;
  for (int i = 0; i < kTimes; ++i) {
    const auto effects = rounds(random, design);
    const auto a = boots(random, design, effects, 10'000);
    const auto b = boots(random, design, effects, 10'000);
    const auto interval = bootstrap_ratio(a, b, 0.95);
    EXPECT_TRUE(interval);
    covered += interval && interval->low <= 1 && 1 <= interval->high;
  }
  return covered / static_cast<double>(kTimes);
}

// It makes the table of docs/statistics.md, "Several builds".
TEST(Levels, TheBootstrapsIntervalHoldsTheTruth) {
  std::string table =
      "| builds | rounds | standard deviation of builds, and of their boots | the 95 % interval holds the true ratio "
      "|\n"
      "|---:|---:|---:|---:|\n";
  for (const auto& [design, least] : {std::pair(Design{5, 6, 30, 200, 20, 10}, 0.92),
                                      {Design{5, 6, 30, 200, 2, 1}, 0.90},
                                      {Design{8, 6, 30, 200, 2, 1}, 0.90},
                                      {Design{5, 6, 0, 200, 20, 10}, 0.93}}) {
    const double rate = coverage(design, static_cast<std::uint64_t>(design.builds));
    EXPECT_GE(rate, least) << design.builds;
    table += fmt::format("| {} | {} | {}, {} | {:.0f} % |\n", design.builds, design.rounds, design.of_builds,
                         design.of_boots, 100 * rate);
  }
  const auto page = read_file(find_paths()->root / "docs" / "statistics.md");
  ASSERT_TRUE(page);
  EXPECT_NE(page->find(table), std::string::npos) << "docs/statistics.md must have:\n" << table;
}

TEST(Levels, AnIntervalThatIsUndecidedSaysHowManyMore) {
  using Kind = PairsNeeded::Kind;
  Comparison comparison;
  comparison.pairs = 6;
  comparison.mean_a = 1000;
  comparison.difference = 5;
  comparison.interval = Interval{-5, 15};
  comparison.p_equivalent = 0.2;
  const auto needed = [&](double margin, std::size_t family) {
    return *pairs_to_decide(comparison, margin, 0.95, family);
  };
  // s = 10 · √6 / 2.571 = 9.53. (t(0.95, n − 1) + t(0.60, n − 1)) · s / √n is 5.04 with 30 pairs, and 4.96 with 31.
  EXPECT_EQ(needed(0.1, 1).kind, Kind::more);
  EXPECT_EQ(needed(0.1, 1).pairs, 31 - 6);
  EXPECT_GT(needed(0.1, 20).pairs, needed(0.1, 1).pairs) << "one cell of many needs more";
  EXPECT_LT(needed(10, 1).pairs, 10) << "a wide margin is shown soon";
  comparison.p_equivalent.reset();
  EXPECT_EQ(needed(10, 1).pairs, needed(0.1, 1).pairs) << "that cannot be shown";
  comparison.floor = 6;
  EXPECT_EQ(needed(0.1, 1).kind, Kind::by_floor) << "below its floor no number of pairs decides";
  comparison.floor.reset();
  comparison.difference = 0;
  EXPECT_EQ(needed(0.1, 1).kind, Kind::too_many);
  comparison.pairs = 4;
  EXPECT_EQ(needed(0.1, 1).kind, Kind::unknown);
  comparison.verdict = Verdict::more;
  EXPECT_FALSE(pairs_to_decide(comparison, 1, 0.95, 1));
}

TEST(Levels, ADriftIsSeen) {
  EXPECT_FALSE(drift_percent({{1, 10, 10, 10}, {2, 10, 10, 10}}));
  EXPECT_FALSE(drift_percent({{1, 10, 9, 11}, {2, 10, 11, 9}, {3, 10, 10, 10}}));
  const auto drift = drift_percent({{1, 95, 100, 90}, {2, 95, 100, 90.1}, {3, 95, 100, 89.9}});
  ASSERT_TRUE(drift);
  EXPECT_NEAR(*drift, -10, 0.001);
}

}  // namespace
}  // namespace nslab
