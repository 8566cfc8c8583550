// SPDX-License-Identifier: GPL-2.0
#include "words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "test_samples.h"

namespace nslab {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(WordsTest, FiguresHaveAsManyDecimalsAsTheirMeterAllows) {
  const Estimate fine{3, 318.214, Interval{318.014, 318.414}, false};
  EXPECT_EQ(estimate_text(fine, Meter::instructions), "318.21 ± 0.20");
  EXPECT_EQ(estimate_text(fine, Meter::time), "318.2 ± 0.2");
  const Estimate coarse{3, 359'325.4, Interval{356'694.4, 361'956.4}, false};
  EXPECT_EQ(estimate_text(coarse, Meter::instructions), "359,325 ± 2,631");
  EXPECT_EQ(estimate_text(coarse, Meter::time), "359,325 ± 2,631");
  EXPECT_EQ(estimate_text({3, 310, Interval{310, 310}, true}, Meter::instructions), "310 ± 0");
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
  EXPECT_THAT(marks_of(run), ElementsAre("PROFILE debug: NOT FOR MEASUREMENT", "TCG wall time: not representative"));
}

}  // namespace
}  // namespace nslab
