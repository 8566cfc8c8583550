// SPDX-License-Identifier: GPL-2.0
#include "process_status.h"

#include <gtest/gtest.h>

namespace nslab::micro {
namespace {

constexpr std::string_view kStatus =
    "Name:\tmicro\nPid:\t57\nPPid:\t56\nNStgid:\t57\t3\t2\nNSpid:\t57\t3\t2\nThreads:\t1\n";

TEST(ProcessStatus, ReadsOneNumberALevel) {
  EXPECT_EQ(status_numbers(kStatus, "NSpid"), (std::vector<pid_t>{57, 3, 2}));
}

TEST(ProcessStatus, TakesTheWholeNameOfAField) {
  EXPECT_EQ(status_numbers(kStatus, "Pid"), std::vector<pid_t>{57});
  EXPECT_EQ(status_numbers(kStatus, "PPid"), std::vector<pid_t>{56});
}

TEST(ProcessStatus, KnowsWhatIsNotThere) {
  EXPECT_TRUE(status_numbers(kStatus, "NSsid").empty());
  EXPECT_TRUE(status_numbers("", "NSpid").empty());
  EXPECT_TRUE(status_numbers("NSpid", "NSpid").empty());
  EXPECT_TRUE(status_numbers("NSpid:", "NSpid").empty());
  EXPECT_TRUE(status_numbers(kStatus, "Name").empty());
}

}  // namespace
}  // namespace nslab::micro
