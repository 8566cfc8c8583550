// SPDX-License-Identifier: GPL-2.0
#include "image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"

namespace nslab {
namespace {

using testing::HasSubstr;

TEST(LocateFiles, ProgramsBringTheirLibraries) {
  const auto files = locate_files({}, {{"/usr/bin/dash", "dash"}});
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->at("/usr/bin/dash"), "/usr/bin/dash");
  EXPECT_TRUE(files->contains("/lib64/ld-linux-x86-64.so.2"));
  EXPECT_TRUE(files->contains("/lib/x86_64-linux-gnu/libc.so.6"));
}

TEST(LocateFiles, OnesOwnGoBelowOptAndNeedNoLoader) {
  const auto folder = TempFolder::make("/tmp", "image");
  ASSERT_TRUE(folder);
  Paths paths;
  paths.guest = folder->path();
  ASSERT_TRUE(write_file(folder->path() / "job.sh", "true\n"));
  const auto files = locate_files(paths, {{"job.sh", ""}});
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(*files, (std::map<std::string, std::filesystem::path>{{"/opt/nslab/job.sh", folder->path() / "job.sh"}}));
}

TEST(LocateFiles, WhatIsMissingIsNamedWithItsPackage) {
  const auto files = locate_files({}, {{"/nowhere/a", "package-a"}, {"/nowhere/b", "package-b"}});
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().exit, Exit::machine);
  EXPECT_THAT(files.error().message, HasSubstr("/nowhere/a, /nowhere/b"));
  EXPECT_THAT(files.error().message, HasSubstr("apt-get install package-a package-b"));
}

TEST(LocateFiles, NothingNeedsNothing) {
  const auto files = locate_files({}, {});
  ASSERT_TRUE(files);
  EXPECT_TRUE(files->empty());
}

}  // namespace
}  // namespace nslab
