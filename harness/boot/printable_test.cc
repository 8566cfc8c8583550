// SPDX-License-Identifier: GPL-2.0
#include "printable.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

TEST(Printable, KeepsWhatATerminalShows) {
  EXPECT_EQ(printable("ok 1 - getpid\t~\n# 318"), "ok 1 - getpid\t~\n# 318");
  EXPECT_EQ(printable(""), "");
}

TEST(Printable, DropsWhatATerminalObeys) {
  EXPECT_EQ(printable("\033[2Jgone\r\a\177"), "[2Jgone");
  EXPECT_EQ(printable("\xc2\x9b"
                      "31mred"),
            "31mred");  // CSI in UTF-8
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "ab");
}

}  // namespace
}  // namespace nslab
