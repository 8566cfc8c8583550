// SPDX-License-Identifier: GPL-2.0
#include "table_2007.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_samples.h"

namespace nslab {
namespace {

using testing::HasSubstr;
using testing::Not;

/// A difference in per cent with its interval.
Comparison percent(double value, double low, double high) {
  Comparison c;
  c.pairs = 10;
  c.percent = value;
  c.percent_interval = Interval{low, high};
  return c;
}

TEST(QuotedChange, IsInPerCentOfTheBase) {
  EXPECT_NEAR(quoted_change(11, 0, 10, 0).percent, 10, 1e-12);
  EXPECT_DOUBLE_EQ(quoted_change(10, 0, 10, 0).percent, 0);
  EXPECT_DOUBLE_EQ(quoted_change(11, 0, 10, 0).error, 0);
}

// 3 % and 4 % make 5 %.
TEST(QuotedChange, ErrorsAddInQuadrature) { EXPECT_NEAR(quoted_change(100, 3, 100, 4).error, 5, 1e-12); }

// MULTI after unshare: 12.96 ± 0.14 against 11.68 ± 0.14, by hand: 1.10959 · √(0.010802² + 0.011986²) = 0.017904.
TEST(QuotedChange, OfTheMail) {
  const Change change = quoted_change(12.96, 0.14, 11.68, 0.14);
  EXPECT_NEAR(change.percent, 10.959, 0.001);
  EXPECT_NEAR(change.error, 1.790, 0.001);
}

TEST(Agreement, OfDirectionAndSize) {
  const Change slower = {5, 1};
  EXPECT_EQ(agreement(slower, percent(5, 4.5, 5.5)), Agreement::agrees);
  EXPECT_EQ(agreement(slower, percent(6.5, 5.9, 7.1)), Agreement::agrees) << "the intervals overlap";
  EXPECT_EQ(agreement(slower, percent(9, 8, 10)), Agreement::direction_only);
  EXPECT_EQ(agreement(slower, percent(1, 0.5, 1.5)), Agreement::direction_only);
  EXPECT_EQ(agreement(slower, percent(0, -1, 1)), Agreement::disagrees) << "today sees none, 2007 did";
  EXPECT_EQ(agreement(slower, percent(-5, -6, -4)), Agreement::disagrees);
  EXPECT_EQ(agreement(slower, percent(4, -2, 10)), Agreement::agrees) << "too wide to contradict";
}

TEST(Agreement, WithNoDifferenceBeyondTheError) {
  const Change none = {1, 2};
  EXPECT_EQ(agreement(none, percent(0.1, 0.05, 0.15)), Agreement::agrees);
  EXPECT_EQ(agreement(none, percent(-0.5, -0.6, -0.4)), Agreement::agrees) << "2007 had no direction";
  EXPECT_EQ(agreement(none, percent(4, 3.5, 4.5)), Agreement::disagrees);
}

TEST(Agreement, OfFasterIsTheMirrorImage) {
  EXPECT_EQ(agreement({-5, 1}, percent(-5, -6, -4)), Agreement::agrees);
  EXPECT_EQ(agreement({-5, 1}, percent(-9, -10, -8)), Agreement::direction_only);
  EXPECT_EQ(agreement({-5, 1}, percent(5, 4, 6)), Agreement::disagrees);
}

TEST(Agreement, NeedsTwoPairs) {
  EXPECT_EQ(agreement({5, 1}, std::nullopt), Agreement::unknown);
  Comparison single;
  single.pairs = 1;
  single.percent = 5;
  EXPECT_EQ(agreement({5, 1}, single), Agreement::unknown);
  single.exact = true;  // two pairs, the same difference in both
  EXPECT_EQ(agreement({5, 1}, single), Agreement::agrees);
}

Report report_of(const std::string& experiment) {
  Report report;
  report.run = run_record();
  report.run.experiment = experiment;
  report.reference = "none";
  report.benchmarks = {"getpid", "nptl", "spawn"};
  View view;
  view.cells[{"nptl", "none", 0}].value.value = 123456;
  view.cells[{"getpid", "none", 0}].value.value = 300;
  view.cells[{"nptl", "multi", 1}].against_reference = percent(11.5, 11.25, 11.75);
  view.cells[{"getpid", "multi", 1}].against_reference = percent(0.5, 0.5, 0.5);
  report.views = {view};
  return report;
}

TEST(Table2007, QuotesAndCompares) {
  const std::string text = render_text(table_2007(report_of("2007")), 0);
  EXPECT_THAT(text, HasSubstr("Quoted, not measured here: P. Emelianov"));
  EXPECT_THAT(text, HasSubstr("12.96 ± 0.14"));
  EXPECT_THAT(text, HasSubstr("+10.96 ± 1.79 %"));
  EXPECT_THAT(text, HasSubstr("6m22.859s"));
  EXPECT_THAT(text, HasSubstr("123,456"));
  EXPECT_THAT(text, HasSubstr("multi +11.50 % [+11.25, +11.75] (agrees)"));
  EXPECT_THAT(text, HasSubstr("multi +0.50 % [+0.50, +0.50] (agrees in direction, not in size)"));
  EXPECT_THAT(text, HasSubstr("MULTI, init namespace: nptl changed by +2.83 ± 1.97 % in 2007, beyond its error; today "
                              "multi+hash – (not known)"));
}

// The hash's designs have figures against none as well. These are differences of lookups, and are not shown.
TEST(Table2007, ComparesHashWithHash) {
  Report report = report_of("2007");
  View& view = report.views.front();
  view.cells[{"nptl", "none+cache+hash", 0}].value.value = 98765;
  view.cells[{"nptl", "none+hash", 0}].against_bare = percent(0.25, 0.2, 0.3);
  view.cells[{"nptl", "multi+hash", 1}].against_reference = percent(-0.75, -0.8, -0.7);
  view.cells[{"nptl", "multi+hash", 1}].against_bare = percent(10.5, 10.25, 10.75);
  const std::string text = render_text(table_2007(report), 0);
  EXPECT_THAT(text, HasSubstr("98,765"));
  EXPECT_THAT(text, HasSubstr("123,456"));
  EXPECT_THAT(text, HasSubstr("+0.25 % [+0.20, +0.30]"));
  EXPECT_THAT(text, HasSubstr("today multi+hash +10.50 % [+10.25, +10.75] (agrees), multi +11.50 % [+11.25, +11.75] "
                              "(agrees)"));
  EXPECT_THAT(text, HasSubstr("compared with a bare kernel (none+cache+hash)"));
  EXPECT_THAT(text, HasSubstr("compared with mainline's PID_NS=n (none)"));
  EXPECT_THAT(text, Not(HasSubstr("−0.75 %")));
  EXPECT_THAT(text, Not(HasSubstr("This run has no")));

  const Table summary = summary_2007(report, "nptl");
  EXPECT_EQ(summary.columns[2].heading, "today, as in 2007: flat+cache+hash, multi+hash; against none+cache+hash");
  EXPECT_EQ(summary.columns[3].heading, "today, as it would be now: flat+cache, multi; against none");
  EXPECT_EQ(summary.rows.back()[2], "+10.50 % [+10.25, +10.75]");
  EXPECT_EQ(summary.rows.back()[3], "+11.50 % [+11.25, +11.75]");
}

// Runs made before there was a bare kernel have the designs with the hash, but nothing to compare them with.
TEST(Table2007, SaysThatTheBareKernelIsMissing) {
  Report report = report_of("2007");
  report.views.front().cells[{"nptl", "multi+hash", 1}].against_reference = percent(-0.75, -0.8, -0.7);
  const std::string text = render_text(table_2007(report), 0);
  EXPECT_THAT(text, HasSubstr("This run has no none+cache+hash."));
  EXPECT_THAT(text, HasSubstr("today multi+hash not compared: no none+cache+hash (not known), multi +11.50 %"));
  EXPECT_THAT(text, Not(HasSubstr("−0.75 %")));
  EXPECT_EQ(summary_2007(report, "nptl").rows.back()[2], "not compared: no none+cache+hash");
}

TEST(Table2007, IsForItsExperimentAndReferenceAlone) {
  EXPECT_TRUE(table_2007(report_of("smoke")).empty());
  Report other = report_of("2007");
  other.reference = "multi";
  EXPECT_TRUE(table_2007(other).empty());
}

}  // namespace
}  // namespace nslab
