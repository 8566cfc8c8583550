// SPDX-License-Identifier: GPL-2.0
#include "clock.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

double g_shift = 0;  // by which the wall clock is wrong

double shifted_clock() { return wall_clock_seconds() + g_shift; }

TEST(ClockWatch, SeesAClockThatIsSetBackAndNoOther) {
  g_shift = 0;
  const ClockWatch watch(shifted_clock);
  EXPECT_EQ(watch.set_back_seconds(), 0);
  g_shift = 3600;
  EXPECT_EQ(watch.set_back_seconds(), 0) << "files of later are newer, as they should be";
  g_shift = -0.5;
  EXPECT_EQ(watch.set_back_seconds(), 0);
  g_shift = -3600;
  EXPECT_NEAR(watch.set_back_seconds(), 3600, 1);
}

}  // namespace
}  // namespace nslab
