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
constexpr int kDepth = 8;

using Shares = std::map<std::string, double>;  ///< per cent, by function

constexpr const char* kAllocation = "alloc_pid";

/// What one way of looking says: the share of each function alone, and of kAllocation with all that it calls.
struct Seen {
  Shares alone;
  double allocation = 0;  ///< per cent
  double samples = 0;     ///< 0: counted
};

Seen exact_shares(const fs::path& results) {
  measure(results, fmt::format("name = \"exact\"\nboots = 1\nisolation = \"boot\"\nattribution = true\n[[measure]]\n"
                               "kernels = [\"{}\"]\ndepths = [{}]\nbenchmarks = [\"{}\"]\n",
                               kKernel, kDepth, kBenchmark));
  Store store = must(Store::open_existing(results.string()));
  const auto boots = must(store.boots(must(store.run(std::nullopt)).id));
  const CallTree tree = must(store.tree(boots.front().key, kDepth, kBenchmark));
  Seen seen;
  std::vector<bool> within;  // by node: kAllocation is it, or called it
  for (const CallTree::Node& node : tree.nodes) {
    const std::string& function = tree.functions[node.function].name;
    const double share = 100 * static_cast<double>(node.instructions) / static_cast<double>(tree.sum());
    within.push_back(function == kAllocation || (!within.empty() && within[node.parent]));
    seen.alone[function] += share;
    if (within.back()) seen.allocation += share;
  }
  return seen;
}

/// Of folded stacks, "caller;callee COUNT" a line.
Seen sampled_shares(const fs::path& stacks) {
  Seen seen;
  for (const std::string& line : lines_of(must(read_file(stacks)))) {
    const auto blank = line.rfind(' ');
    const double count = std::stod(line.substr(blank + 1));
    const auto functions = split_at(line.substr(0, blank), ';');
    seen.alone[functions.back()] += count;
    if (std::find(functions.begin(), functions.end(), kAllocation) != functions.end()) seen.allocation += count;
    seen.samples += count;
  }
  for (auto& [function, count] : seen.alone) count *= 100 / seen.samples;
  seen.allocation *= 100 / seen.samples;
  return seen;
}

/// Three standard errors of a share that was sampled.
double sampling_error(double share, double samples) { return 3 * std::sqrt(share * (100 - share) / samples); }

TEST(Profile, SharesAreThoseOfTheExactCountsWithinTheSamplingError) {
  const TempFolder work = folder();
  const Captured profiled = nslab({"profile", kKernel, kBenchmark, "--depth", fmt::to_string(kDepth), "--repetitions",
                                   "1500", "--output", work.path() / "profile"});
  ASSERT_EQ(profiled.status, 0) << profiled.output;
  EXPECT_THAT(profiled.output, testing::HasSubstr("samples, one for each 100003 instructions of the guest, by perf"));
  EXPECT_THAT(profiled.output, testing::HasSubstr("# Overhead"));
  Seen sampled = sampled_shares(work.path() / "profile/stacks.folded");
  EXPECT_GT(sampled.samples, 3000);
  const Seen exact = exact_shares(work.path() / "exact");

  std::vector<std::pair<double, std::string>> largest;
  for (const auto& [function, share] : exact.alone) largest.emplace_back(share, function);
  std::sort(largest.rbegin(), largest.rend());
  largest.resize(10);
  for (const auto& [share, function] : largest) {
    // Beside the sampling error: what perf sees late as interrupts were off.
    EXPECT_NEAR(sampled.alone[function], share, sampling_error(share, sampled.samples) + 0.15 * share + 0.3)
        << function;
  }
  // Few of its instructions are its own: most are of the allocators that it calls, once a level.
  EXPECT_GT(sampled.allocation, 0);
  EXPECT_NEAR(sampled.allocation, exact.allocation,
              sampling_error(exact.allocation, sampled.samples) + 0.15 * exact.allocation);
}

}  // namespace
}  // namespace nslab::lab
