// SPDX-License-Identifier: GPL-2.0
//
// The benchmarks as a whole: each reaches a steady state, each repeats to the digit, and those of our own agree with
// the programs of others.
#include <algorithm>
#include <cmath>
#include <set>

#include "benchmarks.h"
#include "lab_support.h"
#include "stats.h"

namespace nslab::lab {
namespace {

const std::set<std::string> kFamilies = {"control", "identity", "lookup", "lifecycle", "proc", "macro"};

/// All benchmarks of these families on two designs, at both depths that both allow. One that is not repeated has no
/// halves.
std::string suite(int boots) {
  std::vector<std::string> names;
  for (const Benchmark& benchmark : must(list_benchmarks(paths().guest / "micro"))) {
    if (kFamilies.contains(benchmark.family) && benchmark.iterations > 1) names.push_back('"' + benchmark.name + '"');
  }
  return fmt::format(R"(
name = "suite"
profile = "mini"
boots = {}
reference = "multi"
[[measure]]
kernels = ["multi", "flat+cache"]
depths = [0, 1]
benchmarks = [{}]
)",
                     boots, fmt::join(names, ", "));
}

class Suite : public testing::Test {
 protected:
  static constexpr int kBoots = 5;

  static void SetUpTestSuite() {
    work_ = std::make_unique<TempFolder>(folder());
    samples_ = measure(work_->path() / "one", suite(kBoots));
  }
  static void TearDownTestSuite() { work_.reset(); }

  static std::unique_ptr<TempFolder> work_;
  static std::vector<Sample> samples_;
};

std::unique_ptr<TempFolder> Suite::work_;
std::vector<Sample> Suite::samples_;

// Or differs by no more than the margin, 1 %.
TEST_F(Suite, TheSecondHalfOfTheRepetitionsCostsWhatTheFirstDoes) {
  std::map<std::string, Pairs> halves;
  for (const Sample& sample : samples_) {
    if (sample.status != CellStatus::ok) continue;
    ASSERT_EQ(sample.iterations % 2, 0U) << sample.benchmark;
    Pairs& cell = halves[fmt::format("{} depth {} {}", sample.kernel, sample.depth, sample.benchmark)];
    const double half = static_cast<double>(sample.iterations) / 2;
    cell.a.push_back(static_cast<double>(sample.sum_first_half) / half);
    cell.b.push_back(static_cast<double>(sample.sum - sample.sum_first_half) / half);
  }
  EXPECT_GT(halves.size(), 200U);
  std::vector<std::string> names;
  std::vector<Comparison> comparisons;
  for (const auto& [name, cell] : halves) {
    EXPECT_EQ(cell.a.size(), kBoots) << name;
    names.push_back(name);
    comparisons.push_back(compare_pairs(cell, 0.95, 1.0));
  }
  judge(comparisons, 0.95);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Comparison& halves_of = comparisons[i];
    const bool differs = halves_of.verdict == Verdict::more || halves_of.verdict == Verdict::less;
    EXPECT_TRUE(!differs || halves_of.within_margin) << names[i] << ": the second half costs " << halves_of.difference
                                                     << " more than the first's " << halves_of.mean_a;
  }
}

TEST_F(Suite, EveryCellIsTheSameToTheDigitInASecondRunUnderLoad) {
  const Load load;
  const auto again = measure(work_->path() / "two", suite(1));
  std::vector<Sample> first;
  std::copy_if(samples_.begin(), samples_.end(), std::back_inserter(first),
               [](const Sample& sample) { return sample.seed == 1; });
  expect_equal(first, again);
}

/// The number a model's options give to this one, as CONFIG_PID_NS_KNOWN_ALLOC.
std::uint64_t option_of(const std::string& model, const std::string& name) {
  for (const std::string& line : spec(model).model.config) {
    if (line.starts_with(name + "=")) return std::stoull(line.substr(name.size() + 1));
  }
  ADD_FAILURE() << model << " does not set " << name;
  return 0;
}

// What must be found is found, and nothing is where nothing is, by the bare path of each boot.
TEST(Controls, AKnownCostIsFoundToTheDigitAndALayoutCostsNothing) {
  const TempFolder work = folder();
  const auto samples = measure(work.path() / "controls", R"(
name = "controls"
profile = "mini"
boots = 3
reference = "multi"
[[measure]]
kernels = ["multi", "multi-twin", "multi-known"]
depths = [0, 1]
benchmarks = ["empty", "getpid", "clone3_undone"]
)");
  const std::map<std::string, std::uint64_t> known = {
      {"empty", 0},
      {"getpid", option_of("multi-known", "CONFIG_PID_NS_KNOWN_LOOKUP")},
      {"clone3_undone", option_of("multi-known", "CONFIG_PID_NS_KNOWN_ALLOC")},
  };
  std::map<std::string, std::uint64_t> multi;
  const auto cell = [](const Sample& sample) {
    return fmt::format("{} depth {} seed {}", sample.benchmark, sample.depth, sample.seed);
  };
  for (const Sample& sample : samples) {
    ASSERT_EQ(sample.status, CellStatus::ok) << sample.kernel << " " << cell(sample);
    if (sample.kernel == "multi") multi[cell(sample)] = sample.minimum;
  }
  EXPECT_EQ(samples.size(), 3 * 2 * 3 * 3U);
  for (const Sample& sample : samples) {
    const std::uint64_t added = sample.kernel == "multi-known" ? known.at(sample.benchmark) : 0;
    EXPECT_EQ(sample.minimum, multi.at(cell(sample)) + added) << sample.kernel << " " << cell(sample);
  }
}

/// The rank of each value, 1 the lowest. Equal values share the mean of their ranks.
std::vector<double> ranks(const std::vector<double>& values) {
  std::vector<double> result;
  for (const double value : values) {
    const auto below = std::count_if(values.begin(), values.end(), [&](double other) { return other < value; });
    const auto equal = std::count(values.begin(), values.end(), value);
    result.push_back(static_cast<double>(below) + (static_cast<double>(equal) + 1) / 2);
  }
  return result;
}

/// Spearman's: the correlation of the ranks (Spearman, Am. J. Psychol. 15, 1904).
double rank_correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const auto x = ranks(a);
  const auto y = ranks(b);
  double xy = 0;
  double xx = 0;
  double yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean(x)) * (y[i] - mean(y));
    xx += (x[i] - mean(x)) * (x[i] - mean(x));
    yy += (y[i] - mean(y)) * (y[i] - mean(y));
  }
  return xy / std::sqrt(xx * yy);
}

TEST(RanksTest, RankCorrelation) {
  EXPECT_EQ(ranks({5, 1, 5, 9}), (std::vector<double>{2.5, 1, 2.5, 4}));
  EXPECT_DOUBLE_EQ(rank_correlation({1, 2, 3, 4}, {10, 20, 30, 1000}), 1);
  EXPECT_DOUBLE_EQ(rank_correlation({1, 2, 3, 4}, {4, 3, 2, 1}), -1);
}

/// The same work by a benchmark of ours and by another's program, and how much of it is in one repetition of each.
struct Counterparts {
  const char* ours;
  long our_operations;
  const char* theirs;
  long their_operations;
};

// A third-party program's repetitions hold its start, too; between two depths that goes out.
constexpr Counterparts kCounterparts[] = {
    {"spawn", 100, "stress_ng_fork", 50},
    {"vfork_exit_wait", 1, "stress_ng_vfork", 100},
    {"spawn", 100, "perf_bench_sched_messaging", 40},
    {"fork_exec_static", 1, "stress_ng_exec", 20},
    {"getpid", 1, "stress_ng_get", 100},
    {"getppid", 1, "perf_bench_syscall_basic", 20'000},
};

TEST(Agreement, ADescriptionNamesTheOperationsOfARepetition) {
  std::map<std::string, std::string> descriptions;
  for (const Benchmark& benchmark : must(list_benchmarks(paths().guest / "micro")))
    descriptions[benchmark.name] = benchmark.description;
  const auto check = [&](const std::string& name, long operations) {
    if (operations == 1) return;
    EXPECT_THAT(descriptions.at(name), testing::ContainsRegex(fmt::format("(^| ){}([ ,:]|$)", operations))) << name;
  };
  for (const Counterparts& pair : kCounterparts) {
    check(pair.ours, pair.our_operations);
    check(pair.theirs, pair.their_operations);
  }
}

// What 16 levels cost, each cell in a guest of its own, by the median: few runs of another's program are measured, it
// may sleep in one of them, and idle time counts. Where ours cost more, the intervals leave room for the other to be
// within half and twice of that; where ours do not, the others do not by a thousand instructions. stress-ng's kill has
// no counterpart: it also kills -1, which means fewer processes the deeper it runs.
TEST(Agreement, OursAndOthersMoveAlikeWithDepth) {
  std::set<std::string> names;
  for (const Counterparts& pair : kCounterparts) {
    names.insert(fmt::format("\"{}\"", pair.ours));
    names.insert(fmt::format("\"{}\"", pair.theirs));
  }
  const TempFolder work = folder();
  const auto samples = measure(work.path() / "agreement", fmt::format(R"(
name = "agreement"
profile = "mini"
boots = 6
memory_mib = 1024
isolation = "boot"
reference = "multi"
[[measure]]
kernels = ["multi"]
depths = [0, 16]
benchmarks = [{}]
)",
                                                                      fmt::join(names, ", ")));
  const auto grown = [&](const std::string& benchmark, long operations) {
    using BySeed = std::vector<std::pair<std::uint64_t, double>>;
    std::map<int, BySeed> values;
    for (const Sample& sample : samples) {
      if (sample.benchmark == benchmark)
        values[sample.depth].emplace_back(sample.seed,
                                          static_cast<double>(sample.median) / static_cast<double>(operations));
    }
    return compare_pairs(pair_by_seed(values[0], values[16]), 0.95, 1.0);
  };
  std::vector<double> ours;
  std::vector<double> theirs;
  int seen = 0;
  for (const Counterparts& pair : kCounterparts) {
    const Comparison our = grown(pair.ours, pair.our_operations);
    const Comparison their = grown(pair.theirs, pair.their_operations);
    ASSERT_EQ(our.pairs, 6) << pair.ours;
    ASSERT_EQ(their.pairs, 6) << pair.theirs;
    ours.push_back(our.difference);
    theirs.push_back(their.difference);
    const auto half = [](const Comparison& of) { return (of.interval->high - of.interval->low) / 2; };
    fmt::print("{:<18} {:+10.0f} ± {:<8.0f} {:<28} {:+10.0f} ± {:<8.0f}", pair.ours, our.difference, half(our),
               pair.theirs, their.difference, half(their));
    if (std::abs(our.difference) <= half(our)) {
      fmt::print("\n");
      EXPECT_LT(std::abs(their.difference), 1000) << pair.ours << " and " << pair.theirs;
      continue;
    }
    fmt::print(" ratio {:.2f}\n", their.difference / our.difference);
    ++seen;
    EXPECT_GT(their.interval->high, our.interval->low / 2) << pair.ours << " and " << pair.theirs;
    EXPECT_LT(their.interval->low, our.interval->high * 2) << pair.ours << " and " << pair.theirs;
  }
  EXPECT_EQ(seen, 4);
  const double correlation = rank_correlation(ours, theirs);
  fmt::print("rank correlation {:.2f} over {} pairs\n", correlation, ours.size());
  EXPECT_GT(correlation, 0);
}

}  // namespace
}  // namespace nslab::lab
