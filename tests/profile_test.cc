// SPDX-License-Identifier: GPL-2.0
//
// perf's samples held against exact counts: the same benchmark on the same kernel.
#include <cmath>

#include "lab_support.h"
#include "store.h"
#include "text.h"

namespace nslab::lab {
namespace {
namespace fs = std::filesystem;

constexpr const char* kKernel = "debian:6.12";  // it has timers that are fine enough, and nothing is built
constexpr const char* kBenchmark = "fork_exit_wait";

using Shares = std::map<std::string, double>;  ///< per cent, by function

Shares exact_shares(const fs::path& results) {
  measure(results, fmt::format("name = \"exact\"\nboots = 1\nisolation = \"boot\"\nattribution = true\n[[measure]]\n"
                               "kernels = [\"{}\"]\ndepths = [1]\nbenchmarks = [\"{}\"]\n",
                               kKernel, kBenchmark));
  Store store = must(Store::open_existing(results.string()));
  const auto boots = must(store.boots(must(store.run(std::nullopt)).id));
  const CallTree tree = must(store.tree(boots.front().key, 1, kBenchmark));
  Shares shares;
  for (const CallTree::Node& node : tree.nodes) {
    shares[tree.functions[node.function].name] +=
        100 * static_cast<double>(node.instructions) / static_cast<double>(tree.sum());
  }
  return shares;
}

/// Of folded stacks, "caller;callee COUNT" a line; and how many samples there are.
std::pair<Shares, double> sampled_shares(const fs::path& stacks) {
  std::map<std::string, double> counts;
  double all = 0;
  for (const std::string& line : lines_of(must(read_file(stacks)))) {
    const auto blank = line.rfind(' ');
    const std::string stack = line.substr(0, blank);
    const double count = std::stod(line.substr(blank + 1));
    counts[stack.substr(stack.rfind(';') + 1)] += count;
    all += count;
  }
  for (auto& [function, count] : counts) count = 100 * count / all;
  return {counts, all};
}

TEST(Profile, SharesAreThoseOfTheExactCountsWithinTheSamplingError) {
  const TempFolder work = folder();
  const Captured profiled = nslab(
      {"profile", kKernel, kBenchmark, "--depth", "1", "--repetitions", "1500", "--output", work.path() / "profile"});
  ASSERT_EQ(profiled.status, 0) << profiled.output;
  EXPECT_THAT(profiled.output, testing::HasSubstr("samples, one for each 100003 instructions of the guest, by perf"));
  EXPECT_THAT(profiled.output, testing::HasSubstr("# Overhead"));
  const auto [sampled, samples] = sampled_shares(work.path() / "profile/stacks.folded");
  EXPECT_GT(samples, 3000);
  Shares exact = exact_shares(work.path() / "exact");

  std::vector<std::pair<double, std::string>> largest;
  for (const auto& [function, share] : exact) largest.emplace_back(share, function);
  std::sort(largest.rbegin(), largest.rend());
  largest.resize(10);
  for (const auto& [share, function] : largest) {
    // Binomial, and what perf sees late as interrupts were off.
    const double error = 3 * std::sqrt(share * (100 - share) / samples);
    const auto found = sampled.find(function);
    EXPECT_NEAR(found == sampled.end() ? 0 : found->second, share, error + 0.15 * share + 0.3) << function;
  }
  const auto allocation = sampled.find("alloc_pid");
  ASSERT_NE(allocation, sampled.end());
  EXPECT_NEAR(allocation->second, exact["alloc_pid"], 0.4);
}

}  // namespace
}  // namespace nslab::lab
