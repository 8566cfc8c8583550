// SPDX-License-Identifier: GPL-2.0
#include "builds.h"

#include <gtest/gtest.h>

#include "report.h"
#include "test_samples.h"

namespace nslab {
namespace {

TEST(Builds, ABuildIsTheMeanOverItsRounds) {
  const std::vector<Sample> samples = {sample("multi", 0, "getpid", 1, 200), sample("multi", 0, "getpid", 2, 220),
                                       sample("multi~1", 0, "getpid", 1, 300), sample("multi~1", 0, "getpid", 2, 340)};
  EXPECT_EQ(builds_in(samples), 2);
  const auto builds = over_builds(samples);
  ASSERT_EQ(builds.size(), 2U);
  EXPECT_EQ(builds[0].kernel, "multi");
  EXPECT_EQ(builds[0].seed, 1U);
  EXPECT_EQ(builds[0].mean(), 210);
  EXPECT_EQ(builds[0].minimum, (samples[0].minimum + samples[1].minimum + 1) / 2);
  EXPECT_EQ(builds[1].kernel, "multi");
  EXPECT_EQ(builds[1].seed, 2U);
  EXPECT_EQ(builds[1].mean(), 320);
  for (const Sample& build : builds) EXPECT_EQ(impossible(build), "");
}

TEST(Builds, ARunOfOneBuildStaysAsItIs) {
  const std::vector<Sample> samples = {sample("multi", 0, "getpid", 1, 200), sample("multi", 0, "getpid", 2, 220)};
  EXPECT_EQ(builds_in(samples), 1);
  EXPECT_EQ(over_builds(samples), samples);
}

TEST(Builds, WhatIsRefusedInSomeBootsAloneIsAnErrorStill) {
  RunRecord run = run_record();
  const std::vector<Sample> samples = {
      sample("multi", 0, "getpid", 1, 200), sample("multi~1", 0, "getpid", 1, 200),
      refused("multi", 0, "getpid", 2),     sample("multi~1", 0, "getpid", 2, 200),
      sample("none", 0, "getpid", 1, 200),  sample("none~1", 0, "getpid", 1, 200),
      sample("none", 0, "getpid", 2, 200),  sample("none~1", 0, "getpid", 2, 200),
  };
  const auto report = make_report(run, samples, {});
  ASSERT_TRUE(report) << report.error().message;
  ASSERT_EQ(report->inconsistent.size(), 1U);
  EXPECT_EQ(report->inconsistent.front().kernel, "multi");
}

// Two builds differ by 10 %, and their boots by 0.1 %: only the builds say how far the difference can be trusted.
TEST(Builds, TheReportsIntervalsAreOverBuilds) {
  RunRecord run = run_record();
  run.meter = Meter::time;
  std::vector<Sample> samples;
  for (const auto& [kernel, cost] : {std::pair("multi", 1000), {"multi~1", 1100}, {"none", 1000}, {"none~1", 1002}}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed)
      samples.push_back(sample(kernel, 0, "getpid", seed, static_cast<std::uint64_t>(cost) + seed % 2));
  }
  const auto report = make_report(run, samples, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->builds, 2);
  EXPECT_EQ(report->kernels, (std::vector<std::string>{"none", "multi"}));
  const Cell& cell = report->views.front().cells.at({"getpid", "multi", 0});
  EXPECT_EQ(cell.value.n, 2);
  ASSERT_TRUE(cell.against_reference);
  EXPECT_EQ(cell.against_reference->pairs, 2);
  EXPECT_EQ(cell.against_reference->verdict, Verdict::undecided);
  ASSERT_EQ(report->levels.size(), 2U);
  const CellLevels& multi = report->levels.front();
  EXPECT_EQ(multi.kernel, "multi");
  ASSERT_TRUE(multi.levels);
  EXPECT_NEAR(multi.levels->between_builds, 70.7, 0.5);
  EXPECT_LT(multi.levels->between_boots, 1);
  ASSERT_TRUE(multi.ratio);
  EXPECT_NEAR(*multi.ratio, 1.049, 0.001);
  EXPECT_FALSE(multi.bootstrap) << "two builds are too few";
}

TEST(Builds, ARoundThatABuildLacksIsOfNoBuild) {
  std::vector<Sample> samples;
  for (const char* kernel : {"multi", "multi~1", "none", "none~1"}) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      if (std::string(kernel) == "multi~1" && seed == 3) continue;
      samples.push_back(sample(kernel, 0, "getpid", seed, seed == 3 ? 900 : 200));  // the third round is a dear one
    }
  }
  EXPECT_EQ(in_whole_rounds(samples).size(), 8U);
  for (const Sample& build : over_builds(in_whole_rounds(samples))) EXPECT_EQ(build.mean(), 200) << build.kernel;
  RunRecord run = run_record();
  run.meter = Meter::time;
  const auto report = make_report(run, samples, {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->incomplete_rounds, 3U);
}

TEST(Builds, WhatWasCountedIsTheSumOverBoots) {
  std::vector<Sample> samples;
  for (std::uint64_t seed = 1; seed <= 2; ++seed) {
    for (const char* kernel : {"multi", "multi~1"}) {
      samples.push_back(sample(kernel, 0, "getpid", seed, 200));
      samples.back().layout =
          fmt::format(R"({{"clock":1,"count_cycles":{},"counted_operations":10,"counter_hertz":7}})", 100 * seed);
    }
  }
  EXPECT_EQ(over_builds(samples).front().layout,
            R"({"clock":1,"count_cycles":300,"counted_operations":20,"counter_hertz":7})");
}

}  // namespace
}  // namespace nslab
