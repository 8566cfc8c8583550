// SPDX-License-Identifier: GPL-2.0
#include "base64.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

TEST(Base64, AsInRfc4648Section10) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
}

}  // namespace
}  // namespace nslab
