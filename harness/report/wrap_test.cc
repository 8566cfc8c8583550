// SPDX-License-Identifier: GPL-2.0
#include "wrap.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

TEST(WrapTest, WidthCountsCharactersNotBytes) {
  EXPECT_EQ(display_width("310 ± 2"), 7);
  EXPECT_EQ(display_width("−5"), 2);
  EXPECT_EQ(display_width("e\u0301"), 1);
  EXPECT_EQ(display_width("日本"), 4);
  EXPECT_EQ(display_width(""), 0);
}

TEST(WrapTest, BreaksAtSpaces) {
  EXPECT_EQ(wrap("one two three", 8, 2), "one two\n  three");
  EXPECT_EQ(wrap("one two three", 0), "one two three");
  EXPECT_EQ(wrap("", 10), "");
  EXPECT_EQ(wrap("within 1 % now", 8), "within\n1 % now");
  EXPECT_EQ(wrap("is 310 ± 2", 7), "is\n310 ± 2");
}

}  // namespace
}  // namespace nslab
