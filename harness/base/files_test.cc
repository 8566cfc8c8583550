// SPDX-License-Identifier: GPL-2.0
#include "files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "locks.h"

namespace nslab {
namespace {

TEST(Files, AWriteReplacesTheWholeFile) {
  const auto folder = TempFolder::make(testing::TempDir(), "files");
  const auto file = folder->path() / "a";
  ASSERT_TRUE(write_file(file, "a long first content"));
  ASSERT_TRUE(write_file(file, "short"));
  EXPECT_EQ(*read_file(file), "short");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder->path()), {}), 1);
}

TEST(Locks, ASecondLockIsRefusedUntilTheFirstIsGone) {
  const auto folder = TempFolder::make(testing::TempDir(), "locks");
  const auto file = folder->path() / "lock";
  {
    const auto first = FileLock::attempt(file);
    ASSERT_TRUE(first && first->has_value());
    const auto second = FileLock::attempt(file);
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->has_value());
  }
  const auto third = FileLock::attempt(file);
  EXPECT_TRUE(third && third->has_value());
}

}  // namespace
}  // namespace nslab
