// SPDX-License-Identifier: GPL-2.0
#include "words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_samples.h"

namespace nslab {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(WordsTest, FiguresHaveAsManyDecimalsAsTheirMeterAllows) {
  const Estimate fine{3, 318.214, Interval{318.014, 318.414}, false};
  EXPECT_EQ(estimate_text(fine, Meter::instructions), "318.21 ± 0.20");
  EXPECT_EQ(estimate_text(fine, Meter::time), "318.2 ± 0.2");
  const Estimate coarse{3, 359'325.4, Interval{356'694.4, 361'956.4}, false};
  EXPECT_EQ(estimate_text(coarse, Meter::instructions), "359,325 ± 2,631");
  EXPECT_EQ(estimate_text(coarse, Meter::time), "359,325 ± 2,631");
  EXPECT_EQ(estimate_text({3, 310, Interval{310, 310}, true}, Meter::instructions), "310 exact");
}

TEST(WordsTest, WhatIsNotExactDoesNotLookExact) {
  const Estimate narrow{3, 303.2101, Interval{303.2071, 303.2131}, false};
  EXPECT_EQ(estimate_text(narrow, Meter::instructions), "303.210 ± 0.003");
  EXPECT_EQ(estimate_text({3, 20.01, Interval{19.98, 20.04}, false}, Meter::time), "20.01 ± 0.03");
  Comparison c;
  c.pairs = 3;
  c.difference = 0.001;
  c.interval = Interval{-0.001, 0.003};
  EXPECT_EQ(difference_text(c, Meter::instructions), "+0.001 ± 0.002");
  EXPECT_EQ(interval_text(c.interval, 0), "[−0.001, +0.003]");
  EXPECT_EQ(interval_text(Interval{-21.0561, -21.0559}, 2), "[−21.0561, −21.0559]");
  // Exactly this, and not a whole number.
  c.exact = true;
  EXPECT_EQ(difference_text(c, Meter::instructions), "+0.001 exact");
  c.difference = -66.999;
  EXPECT_EQ(difference_text(c, Meter::instructions), "−66.999 exact");
  EXPECT_EQ(estimate_text({3, 310.002, Interval{310.001, 310.003}, true}, Meter::instructions), "310.002 exact");
}

TEST(WordsTest, AVerdictIsInTheWordsOfItsMeter) {
  Comparison c;
  c.verdict = Verdict::more;
  EXPECT_EQ(verdict_text(c, 1, Meter::instructions), "costs more");
  EXPECT_EQ(verdict_text(c, 1, Meter::time), "slower");
  c.verdict = Verdict::less;
  c.within_margin = true;
  EXPECT_EQ(verdict_text(c, 1, Meter::instructions), "costs less (within 1 %)");
  EXPECT_EQ(verdict_text(c, 2.5, Meter::time), "faster (within 2.5 %)");
  c.verdict = Verdict::equivalent;
  EXPECT_EQ(verdict_text(c, 1, Meter::instructions), "equivalent");
  c.verdict = Verdict::undecided;
  EXPECT_EQ(verdict_text(c, 1, Meter::time), "undecided");
}

TEST(WordsTest, TheNotesSayWhatTheyDoNotKnow) {
  EXPECT_THAT(floor_text(Meter::instructions), HasSubstr("'costs more' or 'costs less'"));
  EXPECT_THAT(floor_text(Meter::time), HasSubstr("'slower' or 'faster'"));
  EXPECT_THAT(floor_text(Meter::time), HasSubstr("one other code layout: a third layout may move a cell further"));
  EXPECT_THAT(interval_note({}), HasSubstr("The 95 % interval belongs to the test of a difference."));
  EXPECT_THAT(interval_note({}), HasSubstr("that of 90 %, lies within ± 1 %"));
}

TEST(WordsTest, ADifferenceIsExactOrHasAnInterval) {
  Comparison c;
  c.pairs = 3;
  c.difference = -67.021;
  c.interval = Interval{-67.061, -66.981};
  EXPECT_EQ(difference_text(c, Meter::instructions), "−67.02 ± 0.04");
  c.difference = -67;
  c.exact = true;
  EXPECT_EQ(difference_text(c, Meter::instructions), "−67 exact");
}

TEST(WordsTest, MarksSayWhatMakesARunNoGoodForMeasurement) {
  RunRecord run = run_record();
  EXPECT_THAT(marks_of(run), IsEmpty());
  EXPECT_EQ(meter_text(run), "instructions meter, accelerator tcg with icount");
  run.meter = Meter::time;
  run.accelerator = "kvm";
  EXPECT_THAT(marks_of(run), IsEmpty());
  run.accelerator = "tcg";
  run.profile = "debug";
  run.measurable = false;
  EXPECT_THAT(marks_of(run), ElementsAre("PROFILE debug: NOT FOR MEASUREMENT", "TCG wall time: not representative"));
}

TEST(BaselineText, TellsTwoKindsOfKernelsWithoutPidNamespaces) {
  EXPECT_EQ(baseline_text("none"), "mainline's PID_NS=n (none)");
  EXPECT_EQ(baseline_text("none+hash"), "mainline's PID_NS=n (none+hash)");
  EXPECT_EQ(baseline_text("none+cache"), "a bare kernel (none+cache)");
  EXPECT_EQ(baseline_text("none+cache+hash"), "a bare kernel (none+cache+hash)");
  EXPECT_EQ(baseline_text("multi"), "multi");
}

}  // namespace
}  // namespace nslab
