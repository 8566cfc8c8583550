// SPDX-License-Identifier: GPL-2.0
#include "growth.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

TEST(GrowthTest, APowerComesBack) {
  EXPECT_NEAR(0, *log_log_slope({{10, 500}, {100, 500}, {1000, 500}}), 1e-12);
  EXPECT_NEAR(1, *log_log_slope({{10, 30}, {100, 300}, {1000, 3000}}), 1e-12);
  EXPECT_NEAR(2, *log_log_slope({{1, 7}, {2, 28}, {4, 112}}), 1e-12);
  EXPECT_NEAR(-0.5, *log_log_slope({{1, 8}, {4, 4}, {16, 2}}), 1e-12);
}

TEST(GrowthTest, SlopeIsThatOfLeastSquares) {
  // Costs 10, 100, 100 at 1, 10, 100, in decades: x = 0, 1, 2 and y = 1, 2, 2; sum of (x - 1)(y - 5/3) = 1, of (x - 1)²
  // = 2.
  EXPECT_NEAR(0.5, *log_log_slope({{1, 10}, {10, 100}, {100, 100}}), 1e-12);
}

TEST(GrowthTest, WhatHasNoSlope) {
  EXPECT_FALSE(log_log_slope({}));
  EXPECT_FALSE(log_log_slope({{10, 500}}));
  EXPECT_FALSE(log_log_slope({{10, 500}, {10, 600}}));
  EXPECT_FALSE(log_log_slope({{0, 500}, {10, 600}}));
  EXPECT_FALSE(log_log_slope({{1, 0}, {10, 600}}));
}

TEST(GrowthTest, BootsAreTheReplicates) {
  // Slopes 0.9, 1.0 and 1.1: mean 1, standard deviation 0.1, t(0.975, 2) = 4.302652730 (R: qt(0.975, 2)).
  const std::vector<CostsBySize> boots = {
      {{1, 1}, {10, 7.943282347242816}}, {{1, 1}, {10, 10}}, {{1, 1}, {10, 12.589254117941673}}};
  const Estimate slope = growth(boots, 0.95);
  EXPECT_EQ(3, slope.n);
  EXPECT_NEAR(1, slope.value, 1e-12);
  ASSERT_TRUE(slope.interval);
  EXPECT_NEAR(1 - 4.302652730 * 0.1 / 1.7320508076, slope.interval->low, 1e-8);
  EXPECT_NEAR(1 + 4.302652730 * 0.1 / 1.7320508076, slope.interval->high, 1e-8);
}

TEST(GrowthTest, EqualBootsAreExact) {
  const CostsBySize boot = {{1, 10}, {10, 100}, {100, 100}};
  const std::vector<CostsBySize> boots = {boot, boot};
  EXPECT_TRUE(growth(boots, 0.95).exact);
}

TEST(GrowthTest, ABootWithoutASlopeIsLeftOut) {
  const std::vector<CostsBySize> boots = {{{1, 1}, {10, 10}}, {{1, 1}}};
  EXPECT_EQ(1, growth(boots, 0.95).n);
  EXPECT_FALSE(growth(boots, 0.95).interval);
}

}  // namespace
}  // namespace nslab
