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
  EXPECT_THAT(profiled.output, testing::HasSubstr("(event cpu-clock)"));
  EXPECT_THAT(profiled.output, testing::HasSubstr("# Overhead"));
  EXPECT_THAT(must(read_file(work.path() / "profile/flame.svg")),
              testing::AllOf(testing::HasSubstr("fork_exit_wait: debian:6.12 at depth 8, sampled by perf"),
                             testing::HasSubstr(">copy_process<"), testing::HasSubstr("</svg>")));
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

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

/// The same kernel on both sides: each guest's samples have their symbols, and what is the same is not decided.
TEST(Profile, TwoProfilesAreCompared) {
  const TempFolder work = folder();
  const Captured compared = nslab(
      {"profile", kKernel, "vfork_exit_wait", "--diff", kKernel, "--repetitions", "1500", "--output", work.path()});
  ASSERT_EQ(compared.status, 0) << compared.output;
  EXPECT_THAT(compared.output, HasSubstr("# Baseline"));
  EXPECT_THAT(compared.output, HasSubstr("It is sampled: "));
  EXPECT_THAT(compared.output, HasSubstr("Beyond the sampling error: "));
  const std::string diff = must(read_file(work.path() / "perf-diff.txt"));
  EXPECT_THAT(diff, ContainsRegex("[0-9]% +micro +\\[kernel.kallsyms\\] +\\[k\\] copy_process"));
  EXPECT_THAT(diff, Not(HasSubstr("[k] 0xffffffff"))) << "the kernel's symbols are known";
  EXPECT_THAT(diff, Not(ContainsRegex("(swapper|disturber)")));
  // perf and nslab see the same shares of A. perf has a line for each program that executes a function.
  const Shares shares = sampled_shares(work.path() / "a.folded").alone;
  Shares of_perf;
  for (const std::string& line : lines_of(diff)) {
    const auto name = line.rfind("[k] ");
    const auto percent = line.find('%');
    if (name != std::string::npos && percent <= 12) of_perf[line.substr(name + 4)] += std::stod(line);
  }
  int checked = 0;
  for (const auto& [function, share] : of_perf) {
    if (share < 1) continue;
    EXPECT_NEAR(shares.at(function), share, 0.1) << function;
    ++checked;
  }
  EXPECT_GT(checked, 5);
  EXPECT_THAT(must(read_file(work.path() / "flame.svg")), HasSubstr("sampled by perf"));
  for (const char* name : {"difference.txt", "b.folded", "a.perf-report.txt", "b.perf-report.txt"})
    EXPECT_GT(size_of_file(work.path() / name), 0U) << name;
}

TEST(Profile, CountsAndSystemCalls) {
  const Captured counted = nslab({"profile", kKernel, "fork_exit_wait", "--stat", "--repetitions", "20"});
  EXPECT_EQ(counted.status, 0) << counted.output;
  EXPECT_THAT(counted.output, ContainsRegex("[1-9][0-9,]* +page-faults"));
  EXPECT_THAT(counted.output, ContainsRegex("<not supported> +cycles")) << "and no 0";
  EXPECT_THAT(counted.output, HasSubstr("seconds sys")) << "all of it is there";
  const Captured traced =
      nslab({"profile", kKernel, "fork_exit_wait", "--depth", "1", "--trace", "--repetitions", "20"});
  EXPECT_EQ(traced.status, 0) << traced.output;
  EXPECT_THAT(traced.output, ContainsRegex("\n +wait4 +[0-9]+"));
  EXPECT_THAT(traced.output, HasSubstr("These are the 10 threads with the most events, of "));
}

TEST(Profile, WhatCannotBeDoneIsSaid) {
  kernel("multi");
  const auto refused = [](std::vector<std::string> words, int status, const std::string& text) {
    words.insert(words.begin(), "profile");
    const Captured ended = nslab(words);
    EXPECT_EQ(ended.status, status << 8) << ended.output;
    EXPECT_THAT(ended.output, HasSubstr(text));
  };
  refused({"multi", "getpid", "--profile", "mini", "--trace"}, 1, "no tracepoints of system calls");
  refused({"multi", "getpid", "--profile", "mini", "--locks"}, 1, "no tracepoints of lock contention");
  refused({kKernel, "getpid", "--locks"}, 1, "the kernel runs on 1 of the guest's 2 vCPUs");
  refused({"multi", "getpid", "--stat", "--trace"}, 2, "--stat and --trace exclude each other");
  refused({"multi", "getpid", "--exits"}, 2, "give --accel kvm");
  refused({"multi", "getpid", "--vcpus", "2"}, 2, "has one CPU");
  refused({"multi", "getpit"}, 2, "did you mean 'getpid'?");
  refused({"multi", "getpid", "--output", "/proc/nslab"}, 3, "cannot make the folder /proc/nslab");
}

}  // namespace
}  // namespace nslab::lab
