// SPDX-License-Identifier: GPL-2.0
#include "groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <random>

namespace nslab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// As the minima of vfork_exit_wait and of thread_create_join fall.
TEST(Groups, AreFound) {
  EXPECT_THAT(groups_of({38428, 38430, 44427, 38432, 38425, 44427, 38431, 38426, 38429, 38430}),
              ElementsAre(Group{38425, 38432, 8}, Group{44427, 44427, 2}));
  EXPECT_THAT(groups_of({30219, 30396, 30396, 30396, 30396, 30400, 30477, 30477, 30477, 30477}),
              ElementsAre(Group{30219, 30219, 1}, Group{30396, 30400, 5}, Group{30477, 30477, 4}));
}

TEST(Groups, AreNotSeenWhereThereAreNone) {
  EXPECT_THAT(groups_of({}), IsEmpty());
  EXPECT_THAT(groups_of({5, 5, 5, 5, 5, 5}), IsEmpty()) << "one value";
  EXPECT_THAT(groups_of({1, 1, 2, 2, 2}), IsEmpty()) << "too few values";
  EXPECT_THAT(groups_of({1, 1, 1, 1, 1, 1, 1, 1, 1, 2}), IsEmpty()) << "an outlier";
  EXPECT_THAT(groups_of({1, 1, 1, 2, 2, 2, 3, 3, 4, 4}), IsEmpty()) << "more groups than one for 3 values";
  EXPECT_THAT(groups_of({10000, 10000, 10000, 10009, 10009, 10009}), IsEmpty()) << "0.09 % apart";
  EXPECT_THAT(groups_of({10000, 10000, 10000, 10011, 10011, 10011}), testing::SizeIs(2));
  EXPECT_THAT(groups_of({1.0, 1.1, 1.2, 1.3, 2.0, 2.1}), IsEmpty()) << "wide groups";
}

// The rates that groups.h names, with room for chance. The values' mean is 0 or near the spread, so that the least
// range plays no part.
TEST(Groups, AreRareAmongValuesOfOneKind) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  std::exponential_distribution<double> exponential;
  const auto rate = [&](std::size_t n, const std::function<double()>& draw) {
    constexpr int sets = 20000;
    int found = 0;
    for (int i = 0; i < sets; ++i) {
      std::vector<double> values(n);
      for (double& value : values) value = draw();
      found += groups_of(values).empty() ? 0 : 1;
    }
    return static_cast<double>(found) / sets;
  };
  EXPECT_LE(rate(10, [&] { return normal(random); }), 0.0003);
  EXPECT_LE(rate(10, [&] { return uniform(random); }), 0.0003);
  EXPECT_LE(rate(10, [&] { return exponential(random); }), 0.002);
  EXPECT_LE(rate(10, [&] { return std::exp(normal(random)); }), 0.005);
  EXPECT_LE(rate(6, [&] { return std::exp(normal(random)); }), 0.002);
}

}  // namespace
}  // namespace nslab
