// SPDX-License-Identifier: GPL-2.0
#include "compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_samples.h"
#include "text.h"

namespace nslab {
namespace {

using testing::HasSubstr;
using testing::Not;

Result<std::string> text_of(const std::vector<Sample>& samples, const std::string& a, const std::string& b) {
  const Document document = TRY(compare_kernels(run_record(), samples, a, b, {}));
  return render_text(document, 0);
}

std::vector<Sample> samples() {
  std::vector<Sample> out;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    out.push_back(sample("multi", 0, "fork", seed, 1000 + 10 * seed));
    out.push_back(sample("flat", 0, "fork", seed, 1050 + 10 * seed));
    out.push_back(sample("multi", 2, "fork", seed, 1200));
    out.push_back(refused("flat", 2, "fork", seed));
    out.push_back(sample("multi", 31, "fork", seed, 1900));  // flat was never asked for this
  }
  return out;
}

TEST(CompareTest, CellByCell) {
  const auto text = text_of(samples(), "multi", "flat");
  ASSERT_TRUE(text) << text.error().message;
  EXPECT_THAT(*text, HasSubstr("+50 exact"));
  EXPECT_THAT(*text, HasSubstr("+4.90 %"));
  EXPECT_THAT(*text, HasSubstr("costs more"));
  EXPECT_THAT(*text, HasSubstr("flat refused (EINVAL)"));
  EXPECT_THAT(*text, HasSubstr("accelerator tcg"));
  EXPECT_THAT(*text, Not(HasSubstr("31")));
  EXPECT_THAT(*text, HasSubstr("flat against the baseline multi: small (run 7)"));
  EXPECT_THAT(*text, HasSubstr("The difference is flat − multi, in mean instructions per operation"));
  const std::string markdown = render_markdown(*compare_kernels(run_record(), samples(), "multi", "flat", {}));
  EXPECT_THAT(markdown, HasSubstr("| fork | 0 | 3 | 1,020.0 | 1,070.0 | +50 exact | [+49.99, +50.01] | +4.90 % |"));
}

TEST(CompareTest, NamesTheCondition) {
  std::vector<Sample> cells = samples();
  EXPECT_THAT(*text_of(cells, "multi", "flat"), HasSubstr("profile lean, condition quiet)"));
  for (Sample& cell : cells) {
    if (cell.kernel == "flat") cell.condition = "host";
  }
  EXPECT_THAT(*text_of(cells, "multi", "flat"), Not(HasSubstr("condition")));
}

// What a mail to a kernel list may have: ASCII, and lines that still fit when they are quoted.
TEST(CompareTest, ForAMail) {
  std::vector<Sample> cells = samples();
  const std::string longest = "proc_readdir_processes_30000";
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    cells.push_back(sample("multi", 0, longest, seed, 1'000'000'000 + seed));
    cells.push_back(sample("flat", 0, longest, seed, 1'000'300'000 + 20'000 * seed));
  }
  const std::vector<Explanation> explanations = {
      {"fork", "flat", 0, "multi", 0, kPartAll, "", "", 1020, 1070, 50, 50},
      {"fork", "flat", 0, "multi", 0, kPartChanged, "", "", 300, 341, 40, 42},
      {"fork", "flat", 0, "multi", 0, kPartChanged, "alloc_pid", "changed", 300, 341, 40, 42},
      {"fork", "flat", 0, "multi", 0, "RCU", "", "", 30, 39, 9, 9},
      {"fork", "flat", 0, "multi", 0, "scheduler", "", "", 30, 50, -1, 41},
      {"fork", "flat", 0, "multi", 0, "RCU", "kmem_cache_free", "same", 30, 39, 9, 9},
      {"fork", "flat", 0, "none", 0, kPartAll, "", "", 1020, 1070, 50, 50},
      {"fork", "flat", 0, "none", 0, kPartChanged, "free_pid", "changed", 300, 341, 40, 42}};
  const auto text = compare_for_mail(run_record(), cells, explanations, "multi", "flat", {});
  ASSERT_TRUE(text) << text.error().message;
  for (const std::string& line : lines_of(*text)) {
    EXPECT_LE(line.size(), 72U) << line;
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) { return c >= ' ' && c <= '~'; })) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
  EXPECT_THAT(*text, HasSubstr("flat (B) against multi (A): mean instructions per operation"));
  // Such numbers need two tables.
  EXPECT_THAT(*text, testing::ContainsRegex("\nfork +1,020.0 +1,070.0 +[+]50\n"));
  EXPECT_THAT(*text, testing::ContainsRegex("\nfork +exact +[+]4.90  >\n"));
  EXPECT_THAT(*text, HasSubstr("At depth 2 flat refused (EINVAL): fork."));
  EXPECT_THAT(*text, HasSubstr("(p < 0.05, Holm's method for these 2 cells)"));
  EXPECT_THAT(*text, HasSubstr("fork at depth 0: changed code +41.0 +-1.0 (alloc_pid +41.0 +-1.0), RCU\n+9 exact.\n"));
  // Neither functions with the same code, nor a cause that may be chance, nor another pair's.
  EXPECT_THAT(*text, Not(HasSubstr("scheduler")));
  EXPECT_THAT(*text, Not(HasSubstr("kmem_cache_free")));
  EXPECT_THAT(*text, Not(HasSubstr("free_pid")));

  EXPECT_EQ(compare_for_mail(run_record(), cells, {}, "multi", "multi", {}).error().exit, Exit::user);
}

TEST(CompareTest, TheOtherWayRoundItCostsLess) {
  const auto text = text_of(samples(), "flat", "multi");
  EXPECT_THAT(*text, HasSubstr("−50 exact"));
  EXPECT_THAT(*text, HasSubstr("costs less"));
}

TEST(CompareTest, UsersMistakes) {
  const auto unknown = text_of(samples(), "multi", "flta");
  EXPECT_EQ(unknown.error().exit, Exit::user);
  EXPECT_THAT(unknown.error().message, HasSubstr("it has: flat, multi"));
  EXPECT_EQ(text_of(samples(), "multi", "multi").error().exit, Exit::user);

  std::vector<Sample> disjoint = {sample("multi", 0, "fork", 1, 1000), sample("flat", 0, "fork", 2, 1000)};
  EXPECT_EQ(text_of(disjoint, "multi", "flat").error().exit, Exit::user);
}

TEST(CompareTest, SaysWhatMakesTheFiguresNoGood) {
  RunRecord run = run_record();
  run.meter = Meter::time;
  run.accelerator = "tcg";
  run.profile = "debug";
  run.measurable = false;
  run.boots_done = 5;
  const std::string text = render_text(*compare_kernels(run, samples(), "multi", "flat", {}), 0);
  EXPECT_THAT(text, HasSubstr("*** PROFILE debug: NOT FOR MEASUREMENT."));
  EXPECT_THAT(text, HasSubstr("*** TCG wall time: not representative."));
  EXPECT_THAT(text, HasSubstr("*** INCOMPLETE: 1 of 6 boots are missing."));
  EXPECT_THAT(text, HasSubstr("mean ns per operation (time meter, accelerator tcg, PROFILE debug: NOT FOR MEASUREMENT, "
                              "TCG wall time: not representative"));
  EXPECT_THAT(text, Not(HasSubstr("KVM")));
}

TEST(CompareTest, TheFloorOfTheControlsHoldsHereToo) {
  auto with_twin = samples();
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    with_twin.push_back(sample("multi-twin", 0, "fork", seed, 940 + 10 * seed));
  const auto text = text_of(with_twin, "multi", "flat");
  EXPECT_THAT(*text, HasSubstr("undecided"));
  EXPECT_THAT(
      *text,
      HasSubstr("'costs more' or 'costs less' only where the difference is larger than the floor: the far end of the "
                "interval of the difference between multi-twin and multi"));
  const auto control = text_of(with_twin, "multi", "multi-twin");
  EXPECT_THAT(*control, HasSubstr("costs less"));
}

TEST(CompareTest, RefusedInSomeBootsIsSaidLoudly) {
  auto mixed = samples();
  mixed.push_back(sample("flat", 2, "fork", 4, 1100));
  const auto text = text_of(mixed, "multi", "flat");
  EXPECT_THAT(*text, HasSubstr("*** fork at depth 2: ERROR: flat refused in 3 of 4 boots"));
}

}  // namespace
}  // namespace nslab
