// SPDX-License-Identifier: GPL-2.0
//
// How often intervals and verdicts are right, for values of other kinds than the normal distribution's. The figures are
// those of docs/statistics.md, "How often is it wrong?", and this test makes the table there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>

#include "files.h"
#include "paths.h"
#include "stats.h"

namespace nslab {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  double uniform() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }
  // Box and Muller's: std::normal_distribution differs between libraries.
  double normal() { return std::sqrt(-2 * std::log(uniform())) * std::cos(2 * 3.14159265358979324 * uniform()); }

 private:
  std::mt19937_64 engine_;
};

/// How one boot's value varies, beside what the seed does to both kernels alike.
struct Kind {
  const char* name;
  double cost;                      ///< the mean, in instructions
  double seeds;                     ///< the standard deviation of what the seed does to both kernels
  double step;                      ///< of the lattice that the values fall on
  double (*own)(Random&);           ///< what a boot adds of its own, 0 in the mean
  bool second_kernel_only = false;  ///< the first kernel's boots add nothing
};

double lognormal(Random& random) { return 100 * (std::exp(random.normal()) - std::exp(0.5)); }

// A cost of 100,000 with steps of 1/1,000 is the mean of a fork in 1,000 repetitions, one of 300 with the step 1 the
// minimum of a getpid.
const Kind kKinds[] = {
    {"normal", 100'000, 2'000, 0.001, [](Random& random) { return 100 * random.normal(); }},
    {"lattice: k or k + 1, as often", 300, 0, 1, [](Random& random) { return random.uniform() < 0.5 ? 0.0 : 1.0; }},
    {"lattice: normal with σ = 0.4, as whole numbers", 300, 0, 1,
     [](Random& random) { return std::round(0.4 * random.normal()); }},
    {"skewed: lognormal with σ = 1", 100'000, 2'000, 0.001, lognormal},
    {"skewed, and the other kernel constant", 100'000, 2'000, 0.001, lognormal, true},
    {"two modes: 200 more in every second boot", 100'000, 2'000, 0.001,
     [](Random& random) { return (random.uniform() < 0.5 ? -100 : 100) + random.normal(); }},
    {"rare: 1,000 more in every 20th boot, and the other kernel constant", 100'000, 2'000, 0.001,
     [](Random& random) { return (random.uniform() < 0.05 ? 950 : -50) + random.normal(); }, true},
};

double on_lattice(double value, double step) { return std::round(value / step) * step; }

Pairs boots(Random& random, const Kind& kind, int n, double difference) {
  Pairs pairs;
  pairs.rounding_a = pairs.rounding_b = rounding_of(kind.step);
  for (int i = 0; i < n; ++i) {
    const double base = kind.cost + (kind.seeds > 0 ? kind.seeds * random.normal() : 0);
    pairs.a.push_back(on_lattice(base + (kind.second_kernel_only ? 0 : kind.own(random)), kind.step));
    pairs.b.push_back(on_lattice(base + difference + kind.own(random), kind.step));
  }
  return pairs;
}

struct Rates {
  double coverage = 0;            ///< intervals of the difference of equal kernels that hold 0
  double false_tables = 0;        ///< tables of equal kernels in which some cell has a direction
  double false_equivalences = 0;  ///< cells with a difference of the margin that are called equivalent
};

constexpr int kTables = 400;
constexpr int kCells = 20;
constexpr double kMargin = 1;  // per cent

Rates simulate(const Kind& kind, int n) {
  Random random(static_cast<std::uint64_t>(n));
  int covered = 0;
  int false_tables = 0;
  int false_equivalences = 0;
  for (int table = 0; table < kTables; ++table) {
    std::vector<Comparison> family;
    for (int cell = 0; cell < kCells; ++cell) family.push_back(compare_pairs(boots(random, kind, n, 0), 0.95, kMargin));
    judge(family, 0.95);
    covered += static_cast<int>(std::count_if(family.begin(), family.end(), [](const Comparison& c) {
      return c.interval->low <= 0 && 0 <= c.interval->high;
    }));
    false_tables += std::any_of(family.begin(), family.end(), [](const Comparison& c) {
      return c.verdict == Verdict::more || c.verdict == Verdict::less;
    });
    for (int cell = 0; cell < kCells / 4; ++cell) {
      const double margin = kind.cost * kMargin / 100;
      false_equivalences += *equivalence_p(boots(random, kind, n, margin), kMargin) < 0.05;
    }
  }
  const double tables = kTables;
  return {covered / (tables * kCells), false_tables / tables, false_equivalences / (tables * kCells / 4)};
}

TEST(StatsSimulationOfKinds, TheRatesAreThoseOfThePage) {
  std::string table =
      "| values | pairs | the 95 % interval holds the true difference | a false direction in a table of 20 cells | "
      "'equivalent' at a difference of 1 % |\n|:---|---:|---:|---:|---:|\n";
  std::map<std::pair<std::string, int>, Rates> rates;
  for (const Kind& kind : kKinds) {
    for (const int n : {2, 3, 5, 10}) {
      const Rates r = rates[{kind.name, n}] = simulate(kind, n);
      table += fmt::format("| {} | {} | {:.1f} % | {:.0f} % | {:.1f} % |\n", n == 2 ? kind.name : "", n,
                           100 * r.coverage, 100 * r.false_tables, 100 * r.false_equivalences);
    }
  }
  const auto page = read_file(find_paths()->root / "docs" / "statistics.md");
  ASSERT_TRUE(page);
  EXPECT_NE(page->find(table), std::string::npos) << "docs/statistics.md must have:\n" << table;

  // What the figures have to be, whatever the page says: 5 %, as far as three standard errors let one see it.
  for (const int n : {2, 3, 5, 10}) {
    const Rates normal = rates.at({"normal", n});
    EXPECT_NEAR(0.95, normal.coverage, 0.0075) << n;
    EXPECT_LE(normal.false_tables, 0.08) << n;
    EXPECT_NEAR(0.05, normal.false_equivalences, 0.015) << n;
    for (const Kind& kind : kKinds) {
      if (kind.step < 1) continue;
      const Rates lattice = rates.at({kind.name, n});
      EXPECT_GE(lattice.coverage, 0.93) << kind.name << n;
      EXPECT_LE(lattice.false_tables, 0.08) << kind.name << n;
      EXPECT_LE(lattice.false_equivalences, 0.065) << kind.name << n;
    }
  }
}

// The interval that goes with 'equivalent' is that at the level 1 − 2 alpha.
TEST(StatsSimulationOfKinds, EquivalentIsWhatHasItsNinetyPerCentIntervalWithinTheMargin) {
  for (const Kind& kind : kKinds) {
    Random random(1);
    int equivalent = 0;
    for (int i = 0; i < 400; ++i) {
      // Around the margin, where the test is in doubt.
      const Pairs pairs = boots(random, kind, 2 + i % 9, kind.cost * 0.0002 * (i % 60));
      const auto interval = ratio_interval(pairs, 0.90);
      ASSERT_TRUE(interval);
      const bool within = 0.99 < interval->low && interval->high < 1.01;
      EXPECT_EQ(within, *equivalence_p(pairs, kMargin) < 0.05) << kind.name << " " << i;
      equivalent += within;
    }
    EXPECT_GT(equivalent, 20) << kind.name;
    EXPECT_LT(equivalent, 380) << kind.name;
  }
}

}  // namespace
}  // namespace nslab
