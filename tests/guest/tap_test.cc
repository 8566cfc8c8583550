// SPDX-License-Identifier: GPL-2.0
#include "tap.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nslab::tap {
namespace {

constexpr int exited(int status) { return status << 8; }

/// "result name (detail)", case by case.
std::vector<std::string> cases(std::string_view output, int wait_status = 0) {
  std::vector<std::string> texts;
  for (const Case& c : read(output, wait_status)) {
    texts.push_back(std::string(c.result) + " " + c.name + (c.detail.empty() ? "" : " (" + c.detail + ")"));
  }
  return texts;
}

TEST(Tap, ReadsTheHarness) {
  EXPECT_THAT(cases("TAP version 13\n"
                    "1..3\n"
                    "# Starting 3 tests from 1 test cases.\n"
                    "#  RUN           global.first ...\n"
                    "#            OK  global.first\n"
                    "ok 1 global.first\n"
                    "# x.c:12:second:Expected 1 (1) == 2 (2)\n"
                    "not ok 2 global.second\n"
                    "ok 3 global.third # SKIP no such syscall\n",
                    exited(1)),
              testing::ElementsAre("pass global.first", "fail global.second (# x.c:12:second:Expected 1 (1) == 2 (2))",
                                   "skip global.third (no such syscall)"));
}

TEST(Tap, DirectiveInPlaceOfTheName) {
  EXPECT_THAT(cases("1..3\nok 1 # SKIP simple clone3()\nok 2 # XFAIL known\nnot ok 3 # error no file\n", exited(1)),
              testing::ElementsAre("skip simple clone3() (simple clone3())", "xfail known (known)",
                                   "fail error no file (error no file)"));
}

TEST(Tap, AnUnexpectedPassIsAFailure) {
  EXPECT_THAT(cases("1..1\nok 1 a.b # XPASS unknown\n"), testing::ElementsAre("fail a.b (unknown)"));
}

TEST(Tap, ANumberSignInAName) {
  EXPECT_THAT(cases("1..2\nok 1 issue #7\nok 2 a #  note\n"), testing::ElementsAre("pass issue #7", "pass a"));
}

TEST(Tap, SkipsAsAWhole) {
  EXPECT_THAT(cases("TAP version 13\n1..0 # SKIP cgroup v2 isn't mounted\n", exited(4)),
              testing::ElementsAre("skip  (cgroup v2 isn't mounted)"));
  // ksft_exit_skip() after a plan.
  EXPECT_THAT(cases("1..2\nok 2 # SKIP no controller\n", exited(4)),
              testing::ElementsAre("skip no controller (no controller)"));
}

TEST(Tap, BailsOut) {
  EXPECT_THAT(cases("1..2\nok 1 a\nBail out! cannot unshare\n# Totals: pass:1\n", exited(1)),
              testing::ElementsAre("pass a", "fail  (cannot unshare)"));
}

TEST(Tap, WhatDidNotRunIsAFailure) {
  EXPECT_THAT(cases("1..3\nok 1 a\n# half a line"),
              testing::ElementsAre("pass a", "fail  (1 of 3 tests ran: # half a line)"));
  EXPECT_THAT(cases("1..1\nok 1 a\n", 9), testing::ElementsAre("pass a", "fail  (killed by signal 9)"));
  EXPECT_THAT(cases("1..1\nok 1 a\n", exited(3)), testing::ElementsAre("pass a", "fail  (exit status 3)"));
}

TEST(Tap, PlainPrograms) {
  EXPECT_THAT(cases("all is well\n"), testing::ElementsAre("pass "));
  EXPECT_THAT(cases("", exited(4)), testing::ElementsAre("skip  (exit status 4)"));
  EXPECT_THAT(cases("owner.c:\n no\ttab\n", exited(1)),
              testing::ElementsAre("fail  (exit status 1: owner.c: |  no tab)"));
  // A plan without results, as kcmp_test prints.
  EXPECT_THAT(cases("1..3\nPASS: 0 returned as expected\n"), testing::ElementsAre("pass "));
}

TEST(Tap, OneLineKeepsTheEnd) { EXPECT_EQ(one_line("abc\ndef\n", 5), "c | def"); }

}  // namespace
}  // namespace nslab::tap
