// SPDX-License-Identifier: GPL-2.0
#include "merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_samples.h"

namespace nslab {
namespace {

using testing::HasSubstr;

constexpr const char* kManifest =
    R"({"experiment": "name = \"small\"\nboots = 2\n[[measure]]\nkernels = [\"multi\"]\ndepths = [0]\nbenchmarks = [\"getpid\"]\n",
        "qemu": "QEMU 7.2", "qemu_command": ["qemu"], "initramfs_sha256": "ab",
        "kernels": {"multi": {"vmlinux_sha256": "12", "build_seconds": 7}},
        "host": {"cpu": "one"}})";

MergePart part(const std::string& place, const std::vector<std::uint64_t>& seeds) {
  MergePart part{place, {run_record(), {}}};
  part.stored.run.manifest = kManifest;
  for (const std::uint64_t seed : seeds) {
    part.stored.boots.push_back(
        {"multi", "abc", seed, 1, "s", "f", "{}", {sample("multi", 0, "getpid", seed, 100 + seed)}, ""});
  }
  return part;
}

std::string error_of(const std::vector<MergePart>& parts) {
  const auto merged = merge_runs(parts);
  return merged ? "joined" : merged.error().message;
}

/// The message when a part is joined with itself after a text of its manifest was replaced.
std::string error_with(std::string from, const std::string& to) {
  MergePart other = part("there", {2});
  std::string& text = other.stored.run.manifest;
  EXPECT_NE(text.find(from), std::string::npos);
  text.replace(text.find(from), from.size(), to);
  return error_of({part("here", {1}), other});
}

TEST(Merge, SeedsFromHereAndThereAreOneRun) {
  const auto merged = merge_runs({part("here", {1, 2}), part("there", {2, 3})});
  ASSERT_TRUE(merged) << merged.error().message;
  std::vector<std::uint64_t> seeds;
  for (const BootRecord& boot : merged->boots) seeds.push_back(boot.seed);
  EXPECT_THAT(seeds, testing::ElementsAre(1, 2, 3));
  EXPECT_EQ(merged->run.boots_done, 3);
  EXPECT_EQ(merged->run.boots_planned, 3);
}

TEST(Merge, WhatDoesNotFitIsNamed) {
  EXPECT_THAT(error_with("QEMU 7.2", "QEMU 8"), HasSubstr("here and there do not fit: QEMU is "));
  EXPECT_THAT(error_with("\"ab\"", "\"cd\""), HasSubstr("guest (initramfs) is "));
  EXPECT_THAT(error_with("[\"qemu\"]", "[\"qemu\", \"-m\"]"), HasSubstr("QEMU's command line is "));
  EXPECT_THAT(error_with("depths = [0]", "depths = [1]"), HasSubstr("cells is "));
  EXPECT_THAT(error_with("depths = [0]", "depths = [0]\\nrepetitions = 7"), HasSubstr("cells is "));
  EXPECT_EQ(error_with("boots = 2", "boots = 3"), "joined") << "how many boots there are may differ";
  EXPECT_THAT(error_with("\"12\"", "\"34\""), HasSubstr("the kernel multi is "));
  EXPECT_EQ(error_with("\"build_seconds\": 7", "\"build_seconds\": 9"), "joined");
  EXPECT_EQ(error_with("\"one\"", "\"two\""), "joined") << "instructions do not depend on the host";
  MergePart other = part("there", {2});
  other.stored.boots[0].kernel_hash = "def";
  EXPECT_THAT(error_of({part("here", {1}), other}), HasSubstr("the kernel multi is abc and def"));
}

// Part of what was planned is not there yet: reports say so.
TEST(Merge, WhatAPartLacksIsMissing) {
  const auto merged = merge_runs({part("here", {1})});
  ASSERT_TRUE(merged) << merged.error().message;
  EXPECT_EQ(merged->run.boots_done, 1);
  EXPECT_EQ(merged->run.boots_planned, 2);
}

TEST(Merge, FiguresThatDoNotCountAreNotJoinedWithThoseThatDo) {
  MergePart other = part("there", {2});
  other.stored.run.measurable = false;
  EXPECT_THAT(error_of({part("here", {1}), other}), HasSubstr("whether its figures count is yes and no"));
}

TEST(Merge, TimeOfTwoHostsIsNotJoined) {
  MergePart here = part("here", {1});
  MergePart there = part("there", {2});
  here.stored.run.meter = there.stored.run.meter = Meter::time;
  EXPECT_EQ(error_of({here, there}), "joined");
  std::string& text = there.stored.run.manifest;
  text.replace(text.find("\"one\""), 5, "\"two\"");
  EXPECT_THAT(error_of({here, there}), HasSubstr("the host (cpu) is one and two"));
  there = part("there", {2});
  there.stored.run.meter = Meter::time;
  text.insert(text.find("\"host\""), R"("host_identity": {"governor": "powersave"}, )");
  EXPECT_THAT(error_of({here, there}), HasSubstr("the host (governor) is none and powersave"));
}

TEST(Merge, TheSameBootWithOtherDigitsIsNoAccident) {
  MergePart other = part("there", {1});
  other.stored.boots[0].samples[0].sum += 1;
  const auto merged = merge_runs({part("here", {1}), other});
  ASSERT_FALSE(merged);
  EXPECT_EQ(merged.error().exit, Exit::says_no);
  EXPECT_THAT(merged.error().message,
              HasSubstr("one of them must be wrong: multi, seed 1, getpid at depth 0: the sum is 10100 and 10101"));
}

TEST(Merge, AFailureStaysUnlessAnotherPartHasTheBoot) {
  MergePart here = part("here", {1});
  here.stored.run.failures = {{"multi", 2, "hung"}, {"multi", 3, "hung"}};
  const auto merged = merge_runs({here, part("there", {2})});
  ASSERT_TRUE(merged);
  EXPECT_THAT(merged->run.failures, testing::ElementsAre(BootFailure{"multi", 3, "hung"}));
  EXPECT_EQ(merged->run.boots_planned, 3);
}

}  // namespace
}  // namespace nslab
