// SPDX-License-Identifier: GPL-2.0
#include "text.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

using Lines = std::vector<std::string>;

TEST(TextTest, AMisspeltNameIsAnsweredByTheNearest) {
  const std::vector<std::string> names = {"multi", "flat+cache", "fork_exit_wait"};
  EXPECT_EQ(nearest_to("flat+cahce", names), "flat+cache");
  EXPECT_EQ(nearest_to("mulit", names), "multi");
  EXPECT_EQ(nearest_to("fork_exit", {"fork_bomb", "fork_exit_wait"}), "fork_exit_wait");
  EXPECT_EQ(nearest_to("xyz", names), std::nullopt);
  EXPECT_EQ(nearest_to("x", {}), std::nullopt);
  EXPECT_EQ(unknown_name("model", "mulit", names),
            "there is no model 'mulit'; did you mean 'multi'? There are: multi, flat+cache, fork_exit_wait");
  EXPECT_EQ(unknown_name("model", "xyz", {"a", "b"}), "there is no model 'xyz'; there are: a, b");
  EXPECT_EQ(unknown_name("model", "mulit", names, "nslab list"),
            "there is no model 'mulit'; did you mean 'multi'? 'nslab list' shows all 3");
  EXPECT_EQ(unknown_name("model", "xyz", {"a", "b"}, "nslab list"),
            "there is no model 'xyz'; 'nslab list' shows all 2");
}

TEST(Text, OneIsCountedInTheSingular) {
  EXPECT_EQ(counted(0, "boot"), "0 boots");
  EXPECT_EQ(counted(1, "boot"), "1 boot");
  EXPECT_EQ(counted(40, "boot"), "40 boots");
}

TEST(Text, IsSplitAtSeparators) {
  EXPECT_EQ(split_at("", ','), Lines{});
  EXPECT_EQ(split_at("a", ','), Lines{"a"});
  EXPECT_EQ(split_at("a,,b,", ','), (Lines{"a", "", "b"}));
}

TEST(Text, ANewlineEndsALineAndStartsNone) {
  EXPECT_EQ(lines_of(""), Lines{});
  EXPECT_EQ(lines_of("a"), Lines{"a"});
  EXPECT_EQ(lines_of("a\n"), Lines{"a"});
  EXPECT_EQ(lines_of("\n"), Lines{""});
  EXPECT_EQ(lines_of("a\n\nb\n"), (Lines{"a", "", "b"}));
}

TEST(Text, TheLastLinesAreAllWhenThereAreFewer) {
  EXPECT_EQ(last_lines("a\nb\nc\n", 2), (Lines{"b", "c"}));
  EXPECT_EQ(last_lines("a\nb\n", 2), (Lines{"a", "b"}));
  EXPECT_EQ(last_lines("a\n", 2), Lines{"a"});
  EXPECT_EQ(last_lines("", 2), Lines{});
}

TEST(Text, ControlsDoNotReachATerminal) {
  EXPECT_EQ(without_controls("a\033]0;x\007b\r\tc\n\x7f"), "a]0;xb\tc\n");
  EXPECT_EQ(without_controls("\u00b1 \u2212 \u009b1m \u00c2"), "\u00b1 \u2212 1m \u00c2");
}

TEST(Text, NewlinesAtTheEndAreTakenAwayAndNoOthers) {
  EXPECT_EQ(without_last_newlines("a\nb\n\n"), "a\nb");
  EXPECT_EQ(without_last_newlines("a"), "a");
  EXPECT_EQ(without_last_newlines("\n"), "");
  EXPECT_EQ(without_last_newlines(""), "");
}

TEST(Text, TheEndOfATextHasSoManyBytesAtMost) {
  EXPECT_EQ(end_of("abc", 2), "bc");
  EXPECT_EQ(end_of("abc", 3), "abc");
  EXPECT_EQ(end_of("", 3), "");
}

TEST(Text, AShellTakesAWordForItself) {
  EXPECT_EQ(for_shell("v6.12~1^@{}"), "'v6.12~1^@{}'");
  EXPECT_EQ(for_shell("a/b-c_d.e,f~g^h@i%j:k=l+m"), "a/b-c_d.e,f~g^h@i%j:k=l+m");
  EXPECT_EQ(for_shell("it's $HOME"), "'it'\\''s $HOME'");
  EXPECT_EQ(for_shell(""), "''");
}

}  // namespace
}  // namespace nslab
