// SPDX-License-Identifier: GPL-2.0
#include "table.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

TEST(TableTest, NumbersHaveThousandsSeparatorsAndATrueMinus) {
  EXPECT_EQ("0", format_number(0, 0));
  EXPECT_EQ("999", format_number(999, 0));
  EXPECT_EQ("1,000", format_number(1000, 0));
  EXPECT_EQ("−1,234,567.50", format_number(-1234567.5, 2));
  EXPECT_EQ("100,000", format_number(99999.6, 0));
  EXPECT_EQ("0.0", format_number(-0.04, 1));
  EXPECT_EQ("+12", format_signed(12, 0));
  EXPECT_EQ("−12", format_signed(-12, 0));
  EXPECT_EQ("0.00", format_signed(0.001, 2));
}

TEST(TableTest, WidthCountsCharactersNotBytes) {
  EXPECT_EQ(7, display_width("310 ± 2"));
  EXPECT_EQ(2, display_width("−5"));
  EXPECT_EQ(1, display_width("e\u0301"));
  EXPECT_EQ(4, display_width("日本"));
  EXPECT_EQ(0, display_width(""));
}

Table small() {
  return {.columns = {{"benchmark", "", Align::left}, {"multi", "depth 0"}, {"flat", "depth 0"}, {"multi", "depth 1"}},
          .rows = {{"getpid", "310 ± 0", "305 ± 0\n−5", "312 ± 0"}, {"fork", "100,000 ± 12", "–", "101,000 ± 9"}}};
}

TEST(TableTest, Text) {
  EXPECT_EQ(
      "           ────── depth 0 ──────  ─ depth 1 ─\n"
      "benchmark         multi     flat        multi\n"
      "─────────────────────────────────────────────\n"
      "getpid          310 ± 0  305 ± 0      312 ± 0\n"
      "                              −5\n"
      "fork       100,000 ± 12        –  101,000 ± 9\n",
      text_table(small()));
}

TEST(TableTest, SplitsByGroupThenByColumn) {
  EXPECT_EQ(1U, split(small(), 0).size());
  EXPECT_EQ(1U, split(small(), 45).size());
  const auto by_depth = split(small(), 44);
  ASSERT_EQ(2U, by_depth.size());
  EXPECT_EQ(3U, by_depth[0].columns.size());
  EXPECT_EQ("benchmark", by_depth[1].columns[0].heading);
  EXPECT_EQ("depth 1", by_depth[1].columns[1].group);
  EXPECT_EQ("101,000 ± 9", by_depth[1].rows[1][1]);
  EXPECT_EQ(3U, split(small(), 10).size());
}

TEST(TableTest, Markdown) {
  EXPECT_EQ(
      "| benchmark | multi<br>depth 0 | flat<br>depth 0 | multi<br>depth 1 |\n"
      "|:---|---:|---:|---:|\n"
      "| getpid | 310 ± 0 | 305 ± 0<br>−5 | 312 ± 0 |\n"
      "| fork | 100,000 ± 12 | – | 101,000 ± 9 |\n",
      markdown_table(small()));
  EXPECT_EQ("| a\\|b |\n|:---|\n| fork\\_exit |\n",
            markdown_table({.columns = {{"a|b", "", Align::left}}, .rows = {{"fork_exit"}}}));
}

TEST(TableTest, Wrap) {
  EXPECT_EQ("one two\n  three", wrap("one two three", 8, 2));
  EXPECT_EQ("one two three", wrap("one two three", 0));
  EXPECT_EQ("", wrap("", 10));
  EXPECT_EQ("within\n1 % now", wrap("within 1 % now", 8));
  EXPECT_EQ("is\n310 ± 2", wrap("is 310 ± 2", 7));
}

}  // namespace
}  // namespace nslab
