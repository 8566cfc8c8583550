// SPDX-License-Identifier: GPL-2.0
#include "numbers.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

TEST(NumbersTest, NumbersHaveThousandsSeparatorsAndATrueMinus) {
  EXPECT_EQ(format_number(0, 0), "0");
  EXPECT_EQ(format_number(999, 0), "999");
  EXPECT_EQ(format_number(1000, 0), "1,000");
  EXPECT_EQ(format_number(-1234567.5, 2), "−1,234,567.50");
  EXPECT_EQ(format_number(99999.6, 0), "100,000");
  EXPECT_EQ(format_number(-0.04, 1), "0.0");
  EXPECT_EQ(format_signed(12, 0), "+12");
  EXPECT_EQ(format_signed(-12, 0), "−12");
  EXPECT_EQ(format_signed(0.001, 2), "0.00");
}

TEST(NumbersTest, DecimalsThatShowAValue) {
  EXPECT_EQ(decimals_that_show(12, 0), 0);
  EXPECT_EQ(decimals_that_show(0.4, 0), 1);
  EXPECT_EQ(decimals_that_show(0.006, 2), 2);
  EXPECT_EQ(decimals_that_show(0.004, 2), 3);
  EXPECT_EQ(decimals_that_show(-0.00004, 2), 5);
  EXPECT_EQ(decimals_that_show(0, 2), 2);
  EXPECT_EQ(decimals_that_show(1e-13, 2), 2);
}

}  // namespace
}  // namespace nslab
