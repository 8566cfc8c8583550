// SPDX-License-Identifier: GPL-2.0
#include "sampled_profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace nslab {
namespace {

using testing::HasSubstr;
using testing::Not;

SampledProfile profile(const std::string& kernel, FoldedStacks stacks, std::uint64_t repetitions = 100) {
  SampledProfile made;
  made.kernel = kernel;
  made.benchmark = "fork_exit_wait";
  made.depth = 8;
  made.repetitions = repetitions;
  made.period = 1000;
  made.stacks = std::move(stacks);
  return made;
}

TEST(SampledProfile, ReadsFoldedStacks) {
  const auto stacks = parse_folded_stacks("micro;fork 3\nmicro;operator new;a<b, c> 4\nmicro;fork 1\n");
  ASSERT_TRUE(stacks);
  EXPECT_EQ(*stacks, (FoldedStacks{{"micro;fork", 4}, {"micro;operator new;a<b, c>", 4}}));
  for (const char* text : {"micro;fork", "micro;fork x", "micro;fork 3x", " 3", "micro -1"}) {
    const auto read = parse_folded_stacks(text);
    ASSERT_FALSE(read) << text;
    EXPECT_THAT(read.error().message, HasSubstr("no stack with a count"));
  }
}

TEST(SampledProfile, TheTestIsExact) {
  EXPECT_NEAR(sampled_p(0, 10, 0.5), 2 / 1024.0, 1e-12);
  EXPECT_NEAR(sampled_p(10, 0, 0.5), 2 / 1024.0, 1e-12);
  EXPECT_EQ(sampled_p(5, 5, 0.5), 1);
  EXPECT_EQ(sampled_p(0, 0, 0.5), 1);
  EXPECT_NEAR(sampled_p(0, 3, 2.0 / 3), 2 * 8 / 27.0, 1e-12);
}

TEST(SampledProfile, WhatDoesNotDifferIsSeldomDecidedAndWhatDoesIs) {
  // 50 functions that are the same and one that takes a fifth more, 400 times.
  std::mt19937_64 random(1);
  int wrong = 0;
  int found = 0;
  for (int trial = 0; trial < 400; ++trial) {
    FoldedStacks a;
    FoldedStacks b;
    for (int i = 0; i < 50; ++i) {
      std::poisson_distribution<std::uint64_t> count(20.0 * (i + 1));
      a["micro;same_" + std::to_string(i)] = count(random);
      b["micro;same_" + std::to_string(i)] = count(random);
    }
    a["micro;more"] = std::poisson_distribution<std::uint64_t>(1000)(random);
    b["micro;more"] = std::poisson_distribution<std::uint64_t>(1250)(random);
    bool any = false;
    for (const SampledDifference& row : sampled_differences(profile("a", a), profile("b", b))) {
      if (row.function == "more") {
        found += row.decided() ? 1 : 0;
      } else {
        any = any || row.decided();
      }
    }
    wrong += any ? 1 : 0;
  }
  EXPECT_LE(wrong, 33) << "5 % of 400 trials, and three standard errors";
  EXPECT_GE(found, 380);
}

TEST(SampledProfile, ARepetitionIsWhatIsCompared) {
  // B was repeated twice as often: twice as many samples are no difference.
  const auto rows = sampled_differences(profile("a", {{"micro;fork", 500}, {"micro;gone", 300}, {"micro;few", 3}}),
                                        profile("b", {{"micro;fork", 1000}, {"micro;few", 16}}, 200));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].function, "gone");
  EXPECT_TRUE(rows[0].decided());
  EXPECT_DOUBLE_EQ(rows[0].difference, -3000);
  EXPECT_FALSE(rows[1].tested) << rows[1].function << " has fewer than " << kLeastTested << " samples";
  EXPECT_EQ(rows[2].function, "fork");
  EXPECT_DOUBLE_EQ(rows[2].difference, 0);
  EXPECT_FALSE(rows[2].decided());
}

TEST(SampledProfile, ADifferenceIsSaidInWords) {
  const auto document = sampled_difference_document(profile("multi (lean)", {{"micro;fork", 500}, {"micro;gone", 300}}),
                                                    profile("flat (lean)", {{"micro;fork", 510}}));
  const std::string text = render_text(document, 0);
  EXPECT_THAT(text, HasSubstr("fork_exit_wait: flat (lean) at depth 8 (B) against multi (lean) at depth 8 (A)"));
  EXPECT_THAT(text, HasSubstr("It is sampled: 800 samples of A and 510 of B"));
  EXPECT_THAT(text, HasSubstr("Beyond the sampling error: 1 of the 2 functions"));
  EXPECT_THAT(text, testing::ContainsRegex("gone +37.50 +0.00 +3,000 +0 +−3,000 +339 +<"));
  EXPECT_THAT(text, testing::ContainsRegex("fork +62.50 +100.00 +5,000 +5,100 +\\+100 +623 +\\?"));
}

TEST(SampledProfile, TheFlameGraphsSayThatTheyAreSampled) {
  const SampledProfile a = profile("multi (lean)", {{"micro;fork;alloc_pid", 500}, {"micro;fork", 100}});
  const SampledProfile b = profile("flat (lean)", {{"micro;fork;alloc_pid", 300}, {"micro;fork", 110}});
  const std::string one = sampled_flame_graph(a);
  EXPECT_THAT(one, HasSubstr("fork_exit_wait: multi (lean) at depth 8, sampled by perf"));
  EXPECT_THAT(one, HasSubstr("600 samples of 100 repetitions, one for each 1,000 instructions (event cpu-clock)"));
  EXPECT_THAT(one, HasSubstr("nslab why"));
  EXPECT_THAT(one, HasSubstr("<title>alloc_pid: 500 samples (83.33 %); the function itself"));
  const std::string both = sampled_flame_graph(a, b);
  EXPECT_THAT(both, HasSubstr("flat (lean) at depth 8 (B) against multi (lean) at depth 8 (A), sampled by perf"));
  EXPECT_THAT(both, HasSubstr("A: 600 samples of 100 repetitions. B: 410 of 100, one for each 1,000 instructions"));
  EXPECT_THAT(both, HasSubstr("nslab why"));
  EXPECT_THAT(both,
              HasSubstr("<title>alloc_pid: A 5,000, B 3,000, B − A −2,000 ± 554 instructions a repetition</title>"));
  EXPECT_THAT(sampled_flame_graph(a, a), Not(HasSubstr("fill=\"rgb("))) << "nothing is decided";
}

}  // namespace
}  // namespace nslab
