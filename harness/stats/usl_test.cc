// SPDX-License-Identifier: GPL-2.0
#include "usl.h"

#include <gtest/gtest.h>

#include <random>

namespace nslab {
namespace {

ThroughputByCpus points_of(const Usl& law, const std::vector<double>& sizes) {
  ThroughputByCpus points;
  for (const double cpus : sizes) points.emplace_back(cpus, law.throughput(cpus));
  return points;
}

void expect_law(const Usl& expected, const std::optional<Usl>& found, double tolerance = 1e-9) {
  ASSERT_TRUE(found);
  EXPECT_NEAR(expected.lambda, found->lambda, tolerance * expected.lambda);
  EXPECT_NEAR(expected.sigma, found->sigma, tolerance);
  EXPECT_NEAR(expected.kappa, found->kappa, tolerance);
}

TEST(UslTest, TheLawAtPointsThatCanBeCheckedByHand) {
  // X(1) = λ. X(2) = 2λ / (1 + σ + 2κ) = 2000 / 1.25. X(4) = 4λ / (1 + 3σ + 12κ) = 4000 / 2.05.
  const Usl law{1000, 0.15, 0.05};
  EXPECT_DOUBLE_EQ(1000, law.throughput(1));
  EXPECT_DOUBLE_EQ(1600, law.throughput(2));
  EXPECT_NEAR(4000 / 2.05, law.throughput(4), 1e-9);
  EXPECT_DOUBLE_EQ(4, *Usl({1, 0.2, 0.05}).peak());  // √(0.8 / 0.05)
  EXPECT_DOUBLE_EQ(1, *Usl({1, 1.5, 0.05}).peak());
  EXPECT_FALSE(Usl({1, 0.2, 0}).peak());
}

TEST(UslTest, KnownParametersComeBack) {
  for (const Usl& law :
       {Usl{1000, 0, 0}, Usl{2.5e6, 0.05, 0}, Usl{300, 0, 0.01}, Usl{995.6, 0.026, 0.0007}, Usl{40'000, 1, 0.5}}) {
    expect_law(law, fit_usl(points_of(law, {1, 2, 4})));
    expect_law(law, fit_usl(points_of(law, {1, 2, 3, 4, 6, 8, 12, 16, 32})));
    expect_law(law, fit_usl(points_of(law, {2, 8, 64})));  // one CPU need not be among them
  }
}

TEST(UslTest, FewerThanThreeSizesAreNoFit) {
  EXPECT_FALSE(fit_usl({}));
  EXPECT_FALSE(fit_usl({{1, 1000}, {2, 1900}}));
  EXPECT_FALSE(fit_usl({{1, 1000}, {2, 1900}, {2, 1800}, {1, 1010}}));
  EXPECT_FALSE(fit_usl({{0, 1000}, {1, 1000}, {2, 1900}}));
  EXPECT_FALSE(fit_usl({{1, 1000}, {2, 0}, {4, 1900}}));
}

TEST(UslTest, ContentionAndCoherencyAreNeverNegative) {
  // Better than in proportion: σ would be negative.
  const auto better = fit_usl({{1, 1000}, {2, 2100}, {4, 4400}, {8, 9200}});
  ASSERT_TRUE(better);
  EXPECT_EQ(0, better->sigma);
  EXPECT_EQ(0, better->kappa);
  // Amdahl's law with the last point above it: κ would be negative, and σ takes its part.
  const auto bent = fit_usl({{1, 1000}, {2, 1500}, {4, 2000}, {8, 3000}});
  ASSERT_TRUE(bent);
  EXPECT_EQ(0, bent->kappa);
  EXPECT_GT(bent->sigma, 0.1);
}

// 2 % of noise on each point: each fit is near, and 200 of them have no bias to speak of.
TEST(UslTest, NoiseIsBorne) {
  const Usl law{1000, 0.1, 0.01};
  std::mt19937_64 random(1);
  std::vector<ThroughputByCpus> boots;
  for (int boot = 0; boot < 200; ++boot) {
    ThroughputByCpus points = points_of(law, {1, 2, 3, 4, 6, 8, 12, 16});
    // The sum of twelve uniform numbers has a standard deviation of 1.
    for (auto& [cpus, throughput] : points) {
      double noise = -6;
      for (int i = 0; i < 12; ++i) noise += static_cast<double>(random()) / 18446744073709551616.0;
      throughput *= 1 + 0.02 * noise;
    }
    expect_law(law, fit_usl(points), 0.08);
    boots.push_back(points);
  }
  const UslEstimate all = usl(boots, 0.95);
  EXPECT_EQ(200, all.n);
  EXPECT_NEAR(1000, all.lambda.value, 5);
  EXPECT_NEAR(0.1, all.sigma.value, 0.005);
  EXPECT_NEAR(0.01, all.kappa.value, 0.0005);
  ASSERT_TRUE(all.sigma.interval);
  EXPECT_LT(all.sigma.interval->half_width(), 0.01);
}

TEST(UslTest, BootsWithoutAFitAreLeftOut) {
  const Usl law{1000, 0.1, 0.01};
  const std::vector<ThroughputByCpus> boots = {points_of(law, {1, 2, 4}), {{1, 1000}}, points_of(law, {1, 2, 8})};
  const UslEstimate all = usl(boots, 0.95);
  EXPECT_EQ(2, all.n);
  ASSERT_TRUE(all.law);
  EXPECT_NEAR(0.1, all.law->sigma, 1e-9);
}

// Where κ is 0, its interval leaves 0 as seldom as it should, and no peak is seen.
TEST(UslTest, NoPeakIsMadeOfNoise) {
  const Usl law{1000, 0.1, 0};
  std::mt19937_64 random(2);
  constexpr int kRuns = 400;
  int peaks = 0;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<ThroughputByCpus> boots;
    for (int boot = 0; boot < 10; ++boot) {
      boots.push_back(points_of(law, {1, 2, 4, 8}));
      for (auto& [cpus, throughput] : boots.back()) {
        double noise = -6;
        for (int i = 0; i < 12; ++i) noise += static_cast<double>(random()) / 18446744073709551616.0;
        throughput *= 1 + 0.02 * noise;
      }
    }
    peaks += usl(boots, 0.95).peak().has_value();
  }
  EXPECT_LE(peaks, kRuns * 0.05);
}

}  // namespace
}  // namespace nslab
