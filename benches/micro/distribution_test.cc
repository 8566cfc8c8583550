// SPDX-License-Identifier: GPL-2.0
#include "distribution.h"

#include <gtest/gtest.h>

namespace nslab::micro {
namespace {

TEST(Distribution, OfNothingIsZero) { EXPECT_EQ(summarise({}), Distribution{}); }

TEST(Distribution, OfOneValue) {
  EXPECT_EQ(summarise({7}),
            (Distribution{
                .iterations = 1, .sum = 7, .sum_first_half = 0, .minimum = 7, .median = 7, .p90 = 7, .maximum = 7}));
}

TEST(Distribution, MedianOfAnEvenCountIsTheLowerOne) {
  EXPECT_EQ(summarise({4, 1, 3, 2}),
            (Distribution{
                .iterations = 4, .sum = 10, .sum_first_half = 5, .minimum = 1, .median = 2, .p90 = 4, .maximum = 4}));
}

TEST(Distribution, P90IsTheNearestRank) {
  EXPECT_EQ(summarise({10, 9, 8, 7, 6, 5, 4, 3, 2, 1}).p90, 9u);       // rank ceil(9.0) = 9
  EXPECT_EQ(summarise({11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}).p90, 10u);  // rank ceil(9.9) = 10
}

TEST(Distribution, FirstHalfIsOfTheOrderMade) {
  EXPECT_EQ(summarise({9, 9, 1, 1}).sum_first_half, 18u);
  EXPECT_EQ(summarise({9, 5, 1}).sum_first_half, 9u);
}

TEST(Distribution, KeepsLargeSums) {
  EXPECT_EQ(summarise({std::uint64_t{1} << 62, std::uint64_t{1} << 62}).sum, std::uint64_t{1} << 63);
}

}  // namespace
}  // namespace nslab::micro
