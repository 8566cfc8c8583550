// SPDX-License-Identifier: GPL-2.0
#include "compare.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

RunRecord run_record() {
  RunRecord run;
  run.id = 7;
  run.experiment = "small";
  run.meter = "instructions";
  run.unit = "instructions";
  run.profile = "lean";
  run.base = "linux-6.12";
  run.boots_planned = run.boots_done = 6;
  return run;
}

Sample sample(const std::string& kernel, int depth, std::uint64_t seed, std::uint64_t cost) {
  Sample s;
  s.kernel = kernel;
  s.depth = depth;
  s.benchmark = "fork";
  s.seed = seed;
  if (cost == 0) {
    s.status = CellStatus::refused;
    s.refusal = "EINVAL";
    return s;
  }
  s.iterations = 1;
  s.sum = s.minimum = s.median = s.p90 = s.maximum = cost;
  return s;
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    out.push_back(sample("multi", 0, seed, 1000 + 10 * seed));
    out.push_back(sample("flat", 0, seed, 1050 + 10 * seed));
    out.push_back(sample("multi", 2, seed, 1200));
    out.push_back(sample("flat", 2, seed, 0));
    out.push_back(sample("multi", 31, seed, 1900));  // flat was never asked for this
  }
  return out;
}

TEST(CompareTest, CellByCell) {
  const auto text = compare_text(run_record(), samples(), "multi", "flat", {}, 0);
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_NE(std::string::npos, text->find("+50 exact"));
  EXPECT_NE(std::string::npos, text->find("+4.90 %"));
  EXPECT_NE(std::string::npos, text->find("slower"));
  EXPECT_NE(std::string::npos, text->find("flat refused (EINVAL)"));
  EXPECT_NE(std::string::npos, text->find("accelerator tcg"));
  EXPECT_EQ(std::string::npos, text->find("31"));
  const auto markdown = compare_markdown(run_record(), samples(), "multi", "flat", {});
  EXPECT_NE(std::string::npos,
            markdown->find("| fork | 0 | 3 | 1,020.0 | 1,070.0 | +50 exact | [+50, +50] | +4.90 % |"));
}

TEST(CompareTest, TheOtherWayRoundIsFaster) {
  const auto text = compare_text(run_record(), samples(), "flat", "multi", {}, 0);
  EXPECT_NE(std::string::npos, text->find("−50 exact"));
  EXPECT_NE(std::string::npos, text->find("faster"));
}

TEST(CompareTest, UsersMistakes) {
  const auto unknown = compare_text(run_record(), samples(), "multi", "flta", {}, 0);
  EXPECT_EQ(Exit::user, unknown.error().exit);
  EXPECT_NE(std::string::npos, unknown.error().message.find("it has: flat, multi"));
  EXPECT_EQ(Exit::user, compare_text(run_record(), samples(), "multi", "multi", {}, 0).error().exit);

  std::vector<Sample> disjoint = {sample("multi", 0, 1, 1000), sample("flat", 0, 2, 1000)};
  EXPECT_EQ(Exit::user, compare_text(run_record(), disjoint, "multi", "flat", {}, 0).error().exit);
}

TEST(CompareTest, MetersNeverMeet) {
  const RunRecord one = run_record();
  EXPECT_TRUE(comparable(one, one));
  RunRecord other = one;
  other.meter = "time";
  other.unit = "ns";
  EXPECT_EQ(Exit::user, comparable(one, other).error().exit);
  EXPECT_NE(std::string::npos, comparable(one, other).error().message.find("meters differ (instructions and time)"));
  other = one;
  other.manifest = R"({"accelerator": "kvm"})";
  EXPECT_NE(std::string::npos, comparable(one, other).error().message.find("accelerators differ"));
  other = one;
  other.profile = "distro";
  EXPECT_FALSE(comparable(one, other));
  other = one;
  other.unit = "ns";
  EXPECT_FALSE(comparable(other, other));
  EXPECT_FALSE(compare_text(other, samples(), "multi", "flat", {}, 0));
}

TEST(CompareTest, TheFloorOfTheControlsHoldsHereToo) {
  auto with_twin = samples();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) with_twin.push_back(sample("multi-twin", 0, seed, 940 + 10 * seed));
  const auto text = compare_text(run_record(), with_twin, "multi", "flat", {}, 0);
  EXPECT_NE(std::string::npos, text->find("undecided"));
  EXPECT_NE(std::string::npos, text->find("The floor:"));
  const auto control = compare_text(run_record(), with_twin, "multi", "multi-twin", {}, 0);
  EXPECT_NE(std::string::npos, control->find("faster"));
}

TEST(CompareTest, RefusedInSomeBootsIsSaidLoudly) {
  auto mixed = samples();
  mixed.push_back(sample("flat", 2, 4, 1100));
  const auto text = compare_text(run_record(), mixed, "multi", "flat", {}, 0);
  EXPECT_NE(std::string::npos, text->find("*** fork at depth 2: ERROR: flat refused in 3 of 4 boots"));
}

}  // namespace
}  // namespace nslab
