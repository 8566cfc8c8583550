// SPDX-License-Identifier: GPL-2.0
#include "table.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

Table small() {
  return {.columns = {{"benchmark", "", Align::left}, {"multi", "depth 0"}, {"flat", "depth 0"}, {"multi", "depth 1"}},
          .rows = {{"getpid", "310 ± 0", "305 ± 0\n−5", "312 ± 0"}, {"fork", "100,000 ± 12", "–", "101,000 ± 9"}}};
}

TEST(TableTest, Text) {
  EXPECT_EQ(text_table(small()),
            "           ────── depth 0 ──────  ─ depth 1 ─\n"
            "benchmark         multi     flat        multi\n"
            "─────────────────────────────────────────────\n"
            "getpid          310 ± 0  305 ± 0      312 ± 0\n"
            "                              −5\n"
            "fork       100,000 ± 12        –  101,000 ± 9\n");
}

TEST(TableTest, SplitsByGroupThenByColumn) {
  EXPECT_EQ(split(small(), 0).size(), 1U);
  EXPECT_EQ(split(small(), 45).size(), 1U);
  const auto by_depth = split(small(), 44);
  ASSERT_EQ(2U, by_depth.size());
  EXPECT_EQ(by_depth[0].columns.size(), 3U);
  EXPECT_EQ(by_depth[1].columns[0].heading, "benchmark");
  EXPECT_EQ(by_depth[1].columns[1].group, "depth 1");
  EXPECT_EQ(by_depth[1].rows[1][1], "101,000 ± 9");
  EXPECT_EQ(split(small(), 10).size(), 3U);
}

TEST(TableTest, Markdown) {
  EXPECT_EQ(markdown_table(small()),
            "| benchmark | multi<br>depth 0 | flat<br>depth 0 | multi<br>depth 1 |\n"
            "|:---|---:|---:|---:|\n"
            "| getpid | 310 ± 0 | 305 ± 0<br>−5 | 312 ± 0 |\n"
            "| fork | 100,000 ± 12 | – | 101,000 ± 9 |\n");
  EXPECT_EQ(markdown_table({.columns = {{"a|b", "", Align::left}}, .rows = {{"fork_exit"}}}),
            "| a\\|b |\n|:---|\n| fork\\_exit |\n");
}

}  // namespace
}  // namespace nslab
