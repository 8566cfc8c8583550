// SPDX-License-Identifier: GPL-2.0
#include "call_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab {
namespace {

using testing::HasSubstr;

const std::vector<FunctionName> kFunctions = {{"", "[all]"}, {"", "fork"}, {"libc.so.6", "fork"}, {"", "alloc_pid"}};

constexpr const char* kCounts =
    "nslab attribution 1\n"
    "cell 1 200 0\n"
    "0 0 0 0\n"
    "0 2 30 200\n"
    "1 1 70 200\n"
    "2 3 5 200\n"
    "m 1 7 3\n"
    "m 3 0 1\n"
    "end\n"
    "cell 2 10 3\n"
    "0 0 0 0\n"
    "end\n"
    "complete 2\n";

TEST(ReadCounts, GivesNamesAndTheTree) {
  const auto cells = read_counts(kCounts, kFunctions);
  ASSERT_TRUE(cells.has_value()) << cells.error().message;
  ASSERT_EQ(cells->size(), 2U);
  const CountedCell& cell = cells->front();
  EXPECT_EQ(cell.windows, 200U);
  EXPECT_EQ(cell.idles, 0U);
  EXPECT_EQ(cell.tree.sum(), 105U);
  ASSERT_EQ(cell.tree.nodes.size(), 4U);
  EXPECT_EQ(cell.tree.functions[cell.tree.nodes[1].function].shown(), "libc.so.6:fork");
  EXPECT_EQ(cell.tree.functions[cell.tree.nodes[3].function].shown(), "alloc_pid");
  EXPECT_EQ(cell.tree.nodes[3].parent, 2U);
  ASSERT_EQ(cell.tree.accesses.size(), 2U);
  EXPECT_EQ(cell.tree.functions[cell.tree.accesses[1].function].shown(), "fork");
  EXPECT_EQ(cell.tree.accesses[1].loads, 7U);
  EXPECT_EQ(cell.tree.accesses[1].stores, 3U);
  EXPECT_EQ((*cells)[1].idles, 3U);
}

TEST(ReadCounts, FunctionsOfOneNameBecomeOne) {
  const std::vector<FunctionName> twice = {{"", "[all]"}, {"", "f"}, {"", "f"}};
  const auto cells =
      read_counts("nslab attribution 1\ncell 1 1 0\n0 0 0 0\n0 1 2 1\n0 2 3 1\nend\ncomplete 1\n", twice);
  ASSERT_TRUE(cells.has_value());
  EXPECT_EQ(cells->front().tree.functions.size(), 2U);
  EXPECT_EQ(cells->front().tree.sum(), 5U);
}

TEST(ReadCounts, WhateverElseIsAnErrorThatNamesTheLine) {
  const std::pair<const char*, const char*> bad[] = {
      {"", "line 1 of 0"},
      {"nslab attribution 2\n", "another version"},
      {"nslab attribution 1\n", "cut short"},
      {"nslab attribution 1\ncell 1 200 0\n0 0 0 0\n", "cut short"},
      {"nslab attribution 1\ncell 2 200 0\n", "not a cell's beginning (line 2"},
      {"nslab attribution 1\ncell 1 200\n", "not a cell's beginning"},
      {"nslab attribution 1\ncell 1 200 0\n0 9 0 0\nend\ncomplete 1\n", "no node of a tree of calls (line 3"},
      {"nslab attribution 1\ncell 1 200 0\n1 0 0 0\nend\ncomplete 1\n", "no node"},
      {"nslab attribution 1\ncell 1 200 0\n0 0 0 0\n1 1 0 0\nend\ncomplete 1\n", "no node"},
      {"nslab attribution 1\ncell 1 200 0\n0 0 -1 0\nend\ncomplete 1\n", "no node"},
      {"nslab attribution 1\ncell 1 200 0\n0 0 99999999999999999999 0\nend\ncomplete 1\n", "no node"},
      {"nslab attribution 1\ncell 1 200 0\n0 0 0 0\nm 9 1 1\nend\ncomplete 1\n", "no node"},
      {"nslab attribution 1\ncell 1 200 0\n0 0 0 0\nm 1 1\nend\ncomplete 1\n", "no node"},
      {"nslab attribution 1\ncomplete 1\n", "not what it counted"},
      {"nslab attribution 1\ncomplete 0\nmore\n", "not what it counted"},
  };
  for (const auto& [text, what] : bad) {
    const auto cells = read_counts(text, kFunctions);
    ASSERT_FALSE(cells.has_value()) << text;
    EXPECT_EQ(cells.error().exit, Exit::says_no);
    EXPECT_THAT(cells.error().message, HasSubstr(what)) << text;
  }
}

TEST(Pack, GivesBackWhatItWasGivenAndTheSameBytesEachTime) {
  const CallTree tree = read_counts(kCounts, kFunctions)->front().tree;
  const auto packed = pack(tree);
  ASSERT_TRUE(packed.has_value()) << packed.error().message;
  EXPECT_EQ(*packed, *pack(tree));
  const auto again = unpack(*packed);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ(*again, tree);
}

TEST(Pack, OtherBytesAreDamage) {
  const std::string packed = *pack(read_counts(kCounts, kFunctions)->front().tree);
  for (const std::string& bytes : {std::string(), std::string("text"), packed.substr(0, packed.size() / 2)}) {
    const auto tree = unpack(bytes);
    ASSERT_FALSE(tree.has_value());
    EXPECT_EQ(tree.error().exit, Exit::user);
    EXPECT_THAT(tree.error().message, HasSubstr("a stored tree of calls is damaged"));
  }
}

}  // namespace
}  // namespace nslab
