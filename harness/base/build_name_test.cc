// SPDX-License-Identifier: GPL-2.0
#include "build_name.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

using Name = std::pair<std::string, int>;

TEST(BuildName, TheFirstBuildHasTheKernelsOwnName) {
  EXPECT_EQ(name_of_build("multi+hash", 0), "multi+hash");
  EXPECT_EQ(name_of_build("multi+hash", 12), "multi+hash~12");
  EXPECT_EQ(kernel_and_build("multi+hash"), Name("multi+hash", 0));
  EXPECT_EQ(kernel_and_build("multi+hash~12"), Name("multi+hash", 12));
}

TEST(BuildName, WhatHasNoNumberIsAName) {
  for (const char* name : {"", "~", "multi~", "multi~0", "multi~-1", "multi~2x", "multi~99999999999", "tree:~/linux"})
    EXPECT_EQ(kernel_and_build(name), Name(name, 0)) << name;
}

}  // namespace
}  // namespace nslab
