// SPDX-License-Identifier: GPL-2.0
#include "scratch_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace nslab {
namespace {

namespace fs = std::filesystem;

TEST(ScratchFolder, IsGoneWithItsObject) {
  const auto root = TempFolder::make(testing::TempDir(), "scratch");
  fs::path path;
  {
    const auto folder = ScratchFolder::make(root->path(), "boot");
    ASSERT_TRUE(folder) << folder.error().message;
    path = folder->path();
    EXPECT_TRUE(is_folder(path));
    EXPECT_EQ(path.parent_path(), root->path());
  }
  EXPECT_FALSE(is_there(path));
}

// A killed run leaves 150 MB for each boot that was under way.
TEST(ScratchFolder, OfAKilledProcessIsSweptAndThatOfALivingOneIsNot) {
  const auto root = TempFolder::make(testing::TempDir(), "scratch");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto folder = ScratchFolder::make(root->path(), "boot");
    const bool made = folder && write_file(folder->path() / "frames.bin", "bytes");
    [[maybe_unused]] const auto told = ::write(ends[1], made ? "y" : "n", 1);
    ::pause();
    ::_exit(0);
  }
  char made = 0;
  ASSERT_EQ(::read(ends[0], &made, 1), 1);
  ASSERT_EQ(made, 'y');
  fs::create_directory(root->path() / "bootstrap");
  fs::create_directory(root->path() / "other.Abc123");
  fs::create_directory_symlink(root->path() / "other.Abc123", root->path() / "boot.linked");
  {
    const auto living = ScratchFolder::make(root->path(), "boot");
    ASSERT_TRUE(living);
    EXPECT_EQ(entries_of(root->path())->size(), 5U) << "the child lives";
    ::kill(child, SIGKILL);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    const auto next = ScratchFolder::make(root->path(), "boot");
    ASSERT_TRUE(next);
    EXPECT_TRUE(is_folder(living->path())) << "another thread's";
    EXPECT_TRUE(is_folder(next->path()));
    EXPECT_EQ(entries_of(root->path())->size(), 5U) << "the child's has gone";
  }
  EXPECT_THAT(*entries_of(root->path()), testing::ElementsAre(root->path() / "boot.linked", root->path() / "bootstrap",
                                                              root->path() / "other.Abc123"))
      << "other names and links are nobody's";
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST(ScratchFolder, ManyThreadsKeepTheirOwn) {
  const auto root = TempFolder::make(testing::TempDir(), "scratch");
  std::atomic<int> lost = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int turn = 0; turn < 100; ++turn) {
          const auto folder = ScratchFolder::make(root->path(), "boot");
          lost += folder && write_file(folder->path() / "a", "b") && is_there(folder->path() / "a") ? 0 : 1;
        }
      });
    }
  }
  EXPECT_EQ(lost, 0);
  EXPECT_TRUE(entries_of(root->path())->empty());
}

}  // namespace
}  // namespace nslab
