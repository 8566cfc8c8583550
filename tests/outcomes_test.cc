// SPDX-License-Identifier: GPL-2.0
#include "outcomes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab::lab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kList = R"(
[[folder]]
name = "pidfd"
programs = ["wait", "poll 100"]

[[expected]]
program = "pidfd/wait"
case = "nest*"
models = ["flat*", "static3*"]
below = [0]
result = "fail"
reason = "no namespace inside a namespace"
)";

SelftestList list() { return *parse_selftests(kList, "list"); }

std::string error_of(const std::string& more) {
  const auto parsed = parse_selftests(kList + more, "list");
  return parsed ? "" : parsed.error().message;
}

std::vector<std::string> judged(const Tested& tested, const std::string& output) {
  return judge(*parse_outcomes(output), list(), tested);
}

constexpr const char* kDepth0 = "pass\t0\tpidfd/wait\tnested\t\npass\t0\tpidfd/poll 100\t\t\n";

TEST(Selftests, ListIsReadStrictly) {
  const SelftestList read = list();
  ASSERT_EQ(read.folders.size(), 1U);
  EXPECT_THAT(read.folders[0].programs, ElementsAre("wait", "poll 100"));
  ASSERT_EQ(read.expected.size(), 1U);
  EXPECT_THAT(read.expected[0].below, ElementsAre(0));
  EXPECT_THAT(read.expected[0].depths, ElementsAre(0, 1, 2, 3));

  const std::string entry = "[[expected]]\nprogram = \"pidfd/wait\"\ncase = \"*\"\n";
  EXPECT_EQ(error_of(entry + "result = \"skip\"\nreason = \"x\"\n"), "");
  EXPECT_THAT(error_of(entry + "result = \"pass\"\nreason = \"x\"\n"), HasSubstr("fail, skip or xfail"));
  EXPECT_THAT(error_of(entry + "result = \"skip\"\nreason = \"\"\n"), HasSubstr("has a reason"));
  EXPECT_THAT(error_of(entry + "result = \"skip\"\n"), HasSubstr("reason"));
  EXPECT_THAT(error_of("[[expected]]\nprogram = \"pidfd/gone\"\ncase = \"*\"\nresult = \"skip\"\nreason = \"x\"\n"),
              HasSubstr("'pidfd/gone' is not run"));
}

TEST(Selftests, OutcomesAreReadToTheEnd) {
  const auto read = parse_outcomes("skip\t3\tpidfd/wait\ta case\tno such call\ndone\n");
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->front().result, "skip");
  EXPECT_EQ(read->front().depth, 3);
  EXPECT_EQ(read->front().name, "a case");
  EXPECT_EQ(read->front().detail, "no such call");
  EXPECT_FALSE(parse_outcomes("skip\t3\tpidfd/wait\ta case\tno such call\n"));
  EXPECT_FALSE(parse_outcomes("skip\t3\tpidfd/wait\ndone\n"));
  EXPECT_FALSE(parse_outcomes("gone\t3\tpidfd/wait\t\t\ndone\n"));
  for (const char* depth : {"x", "1x", "-1", "2147483648", ""})
    EXPECT_FALSE(parse_outcomes(fmt::format("pass\t{}\tpidfd/wait\t\t\ndone\n", depth))) << depth;
}

TEST(Selftests, AsListedIsFine) {
  const std::string depth0 = kDepth0;
  EXPECT_THAT(judged({"none", 0}, depth0 + "done\n"), IsEmpty());
  EXPECT_THAT(judged({"flat", 1}, depth0 + "fail\t1\tpidfd/wait\tnested\tEINVAL\npass\t1\tpidfd/poll 100\t\t\ndone\n"),
              IsEmpty());
}

TEST(Selftests, WhatIsNotListedIsToldOf) {
  const std::string depth0 = kDepth0;
  EXPECT_THAT(judged({"none", 0}, depth0 + "fail\t0\tpidfd/wait\tother\twhy\ndone\n"),
              ElementsAre("depth 0: pidfd/wait: other: fail, expected was pass (why)"));
  EXPECT_THAT(judged({"flat", 1}, depth0 + "pass\t1\tpidfd/wait\tnested\t\npass\t1\tpidfd/poll 100\t\t\ndone\n"),
              ElementsAre("depth 1: pidfd/wait: nested: pass, expected was fail (no namespace inside a namespace)"));
  EXPECT_THAT(judged({"flat", 1}, depth0 + "pass\t1\tpidfd/wait\tother\t\ndone\n"),
              ElementsAre("depth 1: pidfd/wait: nest*: listed as fail, but there is no such case",
                          "depth 1: pidfd/poll 100: not run"));
}

TEST(Selftests, AnEntryMayBeOfOneBaseAlone) {
  const SelftestList with_base = *parse_selftests(std::string(kList) + R"(
[[expected]]
program = "pidfd/poll 100"
case = ""
bases = ["linux-6.1"]
result = "skip"
reason = "came later"
)",
                                                  "list");
  const auto outcomes = *parse_outcomes("pass\t0\tpidfd/wait\t\t\nskip\t0\tpidfd/poll 100\t\t\ndone\n");
  EXPECT_THAT(judge(outcomes, with_base, {"none", 0, "linux-6.1"}), IsEmpty());
  EXPECT_THAT(judge(outcomes, with_base, {"none", 0, "linux-6.12"}),
              ElementsAre("depth 0: pidfd/poll 100: skip, expected was pass"));
}

TEST(Selftests, TableCountsCasesAndSaysWhy) {
  const std::string output = std::string(kDepth0) +
                             "pass\t1\tpidfd/wait\ta\t\nfail\t1\tpidfd/wait\tnested\tx\n"
                             "skip\t1\tpidfd/poll 100\t\tslow\ndone\n";
  const std::string table = table_of(*parse_outcomes(output), list(), {"flat", 1});
  EXPECT_THAT(table, testing::ContainsRegex("pidfd/wait +1 pass +1 fail 1 pass"));
  EXPECT_THAT(table, testing::ContainsRegex("all +2 pass +1 fail 1 pass 1 skip"));
  EXPECT_THAT(table, HasSubstr("depth 1: pidfd/wait: nested: fail: no namespace inside a namespace\n"));
  EXPECT_THAT(table, HasSubstr("depth 1: pidfd/poll 100: skip: not expected (slow)\n"));
}

}  // namespace
}  // namespace nslab::lab
