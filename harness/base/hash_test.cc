// SPDX-License-Identifier: GPL-2.0
#include "hash.h"

#include <gtest/gtest.h>

namespace nslab {
namespace {

// FIPS 180-4's own example.
TEST(Hash, KnownAnswer) {
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hash, PartsDoNotRunTogether) {
  EXPECT_NE(Hasher().part("a", "bc").part("d", "e").hex(), Hasher().part("a", "b").part("cd", "e").hex());
  EXPECT_NE(Hasher().part("a", "b").hex(), Hasher().part("a", "b").part("a", "").hex());
}

}  // namespace
}  // namespace nslab
