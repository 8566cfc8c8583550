// SPDX-License-Identifier: GPL-2.0
#include "kernel_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class KernelSource : public testing::Test {
 protected:
  KernelSource() {
    fs::create_directories(source_);
    fs::create_directories(tree_);
    write(source_ / "Makefile", "VERSION = 6\nPATCHLEVEL = 12\nmrproper:\n\trm -f .config\n");
    write(source_ / "pid.c", "one\ntwo\nthree\n");
  }
  static void write(const fs::path& file, const std::string& text) { ASSERT_TRUE(write_file(file, text)); }
  /// A patch that makes `after` of line 2 where that is `before`.
  static Patch patch(const std::string& name, const std::string& before, const std::string& after) {
    return {name, "--- a/pid.c\n+++ b/pid.c\n@@ -1,3 +1,3 @@\n one\n-" + before + "\n+" + after + "\n three\n"};
  }

  const TempFolder folder_ = *TempFolder::make(testing::TempDir(), "kernel-source-test");
  const fs::path source_ = folder_.path() / "source";
  const fs::path tree_ = folder_.path() / "tree";
};

TEST_F(KernelSource, ASeriesIsReadInItsOrderWithoutItsComments) {
  write(folder_.path() / "series", "# first the layout\nb.patch\n\na.patch\n");
  write(folder_.path() / "a.patch", "A");
  write(folder_.path() / "b.patch", "B");
  const auto series = read_series(folder_.path());
  ASSERT_TRUE(series) << series.error().message;
  ASSERT_EQ(series->size(), 2U);
  EXPECT_EQ(series->at(0).name, "b.patch");
  EXPECT_EQ(series->at(0).content, "B");
  EXPECT_EQ(series->at(1).name, "a.patch");

  fs::remove(folder_.path() / "a.patch");
  const auto missing = read_series(folder_.path());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().exit, Exit::user);
  EXPECT_THAT(missing.error().message, HasSubstr("a.patch"));
}

TEST_F(KernelSource, TheMessageOfAPatchIsLeftOut) {
  write(folder_.path() / "series", "git.patch\nplain.patch\n");
  const Patch git = patch("git.patch", "two", "second");
  write(folder_.path() / "git.patch",
        "Subject: one\n\n--more than before\n---\n pid.c | 2 +-\n\ndiff --git a/pid.c b/pid.c\n" + git.content);
  write(folder_.path() / "plain.patch", "why\n\n" + git.content);
  const auto series = read_series(folder_.path());
  ASSERT_TRUE(series) << series.error().message;
  EXPECT_EQ(series->at(0).content, "diff --git a/pid.c b/pid.c\n" + git.content);
  EXPECT_EQ(series->at(1).content, git.content);
}

TEST_F(KernelSource, ATreeIsCopiedCleanedAndPatchedInOrder) {
  write(source_ / ".config", "CONFIG_OLD=y\n");
  const auto made = make_source_tree(source_, "6.12", *hash_source(source_),
                                     {patch("1.patch", "two", "second"), patch("2.patch", "second", "2nd")}, tree_);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(*read_file(tree_ / "pid.c"), "one\n2nd\nthree\n");
  EXPECT_FALSE(fs::exists(tree_ / ".config"));
  EXPECT_EQ(*read_file(source_ / "pid.c"), "one\ntwo\nthree\n") << "the user's own tree stays as it is";
  EXPECT_TRUE(fs::exists(source_ / ".config"));
}

TEST_F(KernelSource, APatchThatDoesNotApplyIsNamed) {
  const auto made =
      make_source_tree(source_, "6.12", *hash_source(source_), {patch("1.patch", "zwei", "second")}, tree_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().exit, Exit::user);
  EXPECT_THAT(made.error().message, HasSubstr("1.patch does not apply to " + source_.string()));
}

TEST_F(KernelSource, ASourceThatChangedSinceItWasHashedIsRefused) {
  const std::string hash = *hash_source(source_);
  write(source_ / "pid.c", "one\n2\nthree\n");
  const auto made = make_source_tree(source_, "6.12", hash, {}, tree_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().exit, Exit::user);
  EXPECT_THAT(made.error().message, HasSubstr("was changed while it was read"));
}

TEST_F(KernelSource, HistoryIsNotCopied) {
  write(source_ / "pid.c", "one\n");
  fs::create_directories(source_ / ".git");
  write(source_ / ".git/HEAD", "ref: refs/heads/main\n");
  fs::create_symlink("pid.c", source_ / "link.c");
  ASSERT_TRUE(make_source_tree(source_, "6.12", *hash_source(source_), {}, tree_));
  EXPECT_FALSE(fs::exists(tree_ / ".git"));
  EXPECT_EQ(fs::read_symlink(tree_ / "link.c"), "pid.c");
}

TEST_F(KernelSource, AnotherVersionIsRefused) {
  write(source_ / "Makefile", "VERSION = 6\nPATCHLEVEL = 1\nmrproper:\n");
  const auto made = make_source_tree(source_, "6.12", *hash_source(source_), {}, tree_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().exit, Exit::user);
  EXPECT_THAT(made.error().message, HasSubstr("is no Linux 6.12 source"));
}

TEST_F(KernelSource, TheHashIsOfWhatIsInIt) {
  const auto before = hash_source(source_);
  ASSERT_TRUE(before) << before.error().message;
  write(source_ / "pid.c", "another\n");
  EXPECT_NE(*hash_source(source_), *before);

  const auto none = hash_source(folder_.path() / "linux-source-6.1.tar.xz");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().exit, Exit::machine);
  EXPECT_THAT(none.error().message, HasSubstr("apt-get install linux-source-6.1, or"));
}

}  // namespace
}  // namespace nslab
