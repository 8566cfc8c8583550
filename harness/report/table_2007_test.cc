// SPDX-License-Identifier: GPL-2.0
#include "table_2007.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_samples.h"

namespace nslab {
namespace {

using testing::HasSubstr;

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

TEST(Table2007, IsForItsExperimentAndReferenceAlone) {
  EXPECT_TRUE(table_2007(report_of("smoke")).empty());
  Report other = report_of("2007");
  other.reference = "multi";
  EXPECT_TRUE(table_2007(other).empty());
}

}  // namespace
}  // namespace nslab
