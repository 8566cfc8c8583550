// SPDX-License-Identifier: GPL-2.0
#include "headlines.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sections.h"
#include "test_samples.h"

namespace nslab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Three boots of fork_exit_wait and getpid; none has depth 0 alone, flat is refused at depth 2.
Report report_of(const std::string& reference) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    for (const char* benchmark : {"fork_exit_wait", "getppid"}) {
      samples.push_back(sample("none", 0, benchmark, seed, 300));
      for (const int depth : {0, 1, 2}) {
        samples.push_back(sample("multi", depth, benchmark, seed, 310));
        samples.push_back(depth == 2 ? refused("flat", depth, benchmark, seed)
                                     : sample("flat", depth, benchmark, seed, 305));
      }
    }
  }
  return *make_report(run_record(), samples, {.reference = reference});
}

std::vector<std::string> texts(const std::vector<HeadlineDifference>& differences) {
  std::vector<std::string> texts;
  for (const HeadlineDifference& d : differences) {
    texts.push_back(fmt::format("{}: {} {} / {} {}", d.benchmark, d.kernel, d.depth, d.baseline, d.baseline_depth));
  }
  return texts;
}

TEST(Headlines, AreThoseOfTheReferenceOfKnownPairsAndOfDepth) {
  EXPECT_THAT(texts(headline_differences(report_of("multi"))),
              ElementsAre("fork_exit_wait: none 0 / multi 0", "fork_exit_wait: flat 0 / multi 0",
                          // 'none' against 'multi' is the known pair; the other way round it is there already.
                          "fork_exit_wait: flat 1 / multi 1", "fork_exit_wait: multi 1 / multi 0",
                          "fork_exit_wait: multi 2 / multi 0", "fork_exit_wait: flat 1 / flat 0"));
}

TEST(Headlines, ADifferenceIsNeverOneOfKernelsAndDepthsAtOnce) {
  EXPECT_THAT(texts(headline_differences(report_of("none"))),
              ElementsAre("fork_exit_wait: multi 0 / none 0", "fork_exit_wait: flat 0 / none 0",
                          "fork_exit_wait: flat 0 / multi 0", "fork_exit_wait: flat 1 / multi 1",
                          "fork_exit_wait: multi 1 / multi 0", "fork_exit_wait: multi 2 / multi 0",
                          "fork_exit_wait: flat 1 / flat 0"));
}

WhyDifference difference(double a, double b, double half) {
  WhyDifference d{.a = a, .b = b, .estimate = {}};
  d.estimate.value = b - a;
  d.estimate.exact = half == 0;
  d.estimate.interval = Interval{b - a - half, b - a + half};
  return d;
}

TEST(Headlines, KeepThePartsAndTheFiveLargestFunctions) {
  Why why;
  why.whole = difference(100, 140, 8);
  why.changed_sum = difference(50, 60, 0);
  why.changed = {{"alloc_pid", CodeChange::changed, "", difference(50, 60, 0)}};
  why.causes = {{"", CodeChange::same, "RCU", difference(50, 80, 8)}};
  for (int i = 0; i < 12; ++i) {
    why.induced.push_back({fmt::format("f{}", i), CodeChange::same, "RCU", difference(0, i, 1)});
  }
  why.unplaced = {0, 1.4};
  why.earlier_tasks = {5, 0};
  const auto lines = explanations_of({"fork_exit_wait", "flat", 1, "multi", 1}, why);
  std::vector<std::string> names;
  for (const Explanation& line : lines) names.push_back(line.part + ":" + line.function);
  EXPECT_THAT(names,
              ElementsAre("all:", "changed code:", "RCU:", "RCU:f11", "changed code:alloc_pid", "RCU:f10", "RCU:f9",
                          "RCU:f8", "RCU:f7", "RCU:f6", "RCU:f5", "all:[unplaced]", "all:[earlier task]"));
  EXPECT_TRUE(lines[1].exact());
  EXPECT_DOUBLE_EQ(lines[0].low, 32);

  Report report = report_of("multi");
  EXPECT_TRUE(functions_section(report).empty());
  report.explanations = lines;
  const std::string text = render_text(functions_section(report), 0);
  EXPECT_THAT(text, HasSubstr("alloc_pid +10 exact (changed)"));
  EXPECT_THAT(text, HasSubstr("f11 +11.0 ± 1.0 (RCU)"));
  EXPECT_THAT(text, HasSubstr("flat, depth 1"));
  EXPECT_THAT(text, testing::Not(HasSubstr("f7 "))) << "a sixth function";
  EXPECT_THAT(text, HasSubstr("at most 1.000 % could not be placed on a path of calls. At most 5.0 % are of tasks"));
}

}  // namespace
}  // namespace nslab
