// SPDX-License-Identifier: GPL-2.0
#include "files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

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

TEST(Files, AWriteKeepsTheModeAndTheLink) {
  const auto folder = TempFolder::make(testing::TempDir(), "files");
  const auto file = folder->path() / "a";
  const auto link = folder->path() / "link";
  ASSERT_TRUE(write_file(file, "first"));
  std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  std::filesystem::create_symlink("a", link);
  ASSERT_TRUE(write_file(link, "second"));
  EXPECT_TRUE(std::filesystem::is_symlink(link));
  EXPECT_EQ(*read_file(file), "second");
  EXPECT_EQ(std::filesystem::status(file).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

TEST(Files, WhatAKilledWriterLeftIsRemoved) {
  const auto folder = TempFolder::make(testing::TempDir(), "files");
  const auto file = folder->path() / "a";
  // No process has the largest number: pid_max is at most 4,194,304, and counts from 0.
  ASSERT_TRUE(write_file(folder->path() / "a.4194304.tmp", "half"));
  ASSERT_TRUE(write_file(folder->path() / "a.1.tmp", "of a writer that lives"));
  ASSERT_TRUE(write_file(file, "whole"));
  EXPECT_FALSE(std::filesystem::exists(folder->path() / "a.4194304.tmp"));
  EXPECT_TRUE(std::filesystem::exists(folder->path() / "a.1.tmp"));
}

TEST(Files, ADeviceIsWrittenAndStays) {
  EXPECT_TRUE(write_file("/dev/null", "content"));
  EXPECT_TRUE(std::filesystem::is_character_file("/dev/null"));
  const auto full = write_file("/dev/full", "content");
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().exit, Exit::machine);
}

TEST(Files, WhatHasNoEndIsNotRead) {
  const auto read = read_file("/dev/zero");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().exit, Exit::user);
}

TEST(Files, WithoutDescriptorsTheMachineIsToBlame) {
  // Before the limit: to look at a type that it has not yet met, the undefined-behaviour sanitizer opens a pipe.
  EXPECT_EQ(read_file("/there is none").error().exit, Exit::user);
  rlimit limit;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit none{0, limit.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  const auto read = read_file("/dev/null");
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(read.error().exit, Exit::machine);
  EXPECT_THAT(read.error().message, testing::HasSubstr("ulimit -n"));
}

TEST(Files, WhereNobodyCanLookThereIsNothing) {
  const auto folder = TempFolder::make(testing::TempDir(), "files");
  ASSERT_TRUE(write_file(folder->path() / "a", "abc"));
  EXPECT_TRUE(is_there(folder->path() / "a"));
  EXPECT_FALSE(is_folder(folder->path() / "a"));
  EXPECT_EQ(size_of_file(folder->path() / "a"), 3U);
  std::filesystem::create_symlink("loop", folder->path() / "loop");
  for (const auto& path :
       {folder->path() / "loop", folder->path() / std::string(300, 'x'), folder->path() / "a" / "b"}) {
    EXPECT_FALSE(is_there(path)) << path;
    EXPECT_FALSE(is_folder(path)) << path;
    EXPECT_EQ(size_of_file(path), 0U) << path;
  }
}

TEST(Files, EntriesOfAFolderAreListed) {
  const auto folder = TempFolder::make(testing::TempDir(), "files");
  for (const char* name : {"b", "a", "c"}) ASSERT_TRUE(write_file(folder->path() / name, ""));
  EXPECT_THAT(*entries_of(folder->path()),
              testing::ElementsAre(folder->path() / "a", folder->path() / "b", folder->path() / "c"));
  EXPECT_TRUE(entries_of(folder->path() / "none")->empty());
  const auto no_folder = entries_of(folder->path() / "a");
  ASSERT_FALSE(no_folder);
  EXPECT_EQ(no_folder.error().exit, Exit::user);
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
