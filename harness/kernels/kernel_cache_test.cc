// SPDX-License-Identifier: GPL-2.0
#include "kernel_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <set>

#include "archives.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;

class Cache : public testing::Test {
 protected:
  static void write(const fs::path& file, const std::string& text) { ASSERT_TRUE(write_file(file, text)); }
  std::set<std::string> names_in(const char* folder) const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(root_.path() / folder)) names.insert(entry.path().filename());
    return names;
  }
  /// What a build leaves in its folder.
  static void finish_build(const fs::path& folder, const std::string& vmlinux) {
    write(folder / "vmlinux", vmlinux);
    fs::create_directories(folder / "arch/x86/boot");
    for (const char* name : {"arch/x86/boot/bzImage", "System.map", ".config", "build.log", "sizes.json",
                             "manifest.json", "vmlinux.o", "pid.o"})
      write(folder / name, "");
  }
  Kernel kernel(const std::string& model, char digit) const { return cache_.kernel(model, std::string(64, digit)); }

  const TempFolder root_ = *TempFolder::make(testing::TempDir(), "kernel-cache-test");
  const KernelCache cache_{root_.path()};
};

TEST_F(Cache, AKernelIsThereOnceItIsKept) {
  const Kernel multi = kernel("multi", 'a');
  EXPECT_FALSE(cache_.is_built(multi));
  auto place = cache_.build_place(std::string(64, 'f'));
  ASSERT_TRUE(place) << place.error().message;
  finish_build(place->folder.path(), "bits");
  ASSERT_TRUE(cache_.keep_kernel(multi, place->folder.path()));
  EXPECT_TRUE(cache_.is_built(multi));
  EXPECT_EQ(*read_file(multi.vmlinux()), "bits");
  EXPECT_TRUE(fs::exists(multi.folder / "config"));
  EXPECT_TRUE(fs::exists(multi.sizes()));
  EXPECT_TRUE(fs::exists(place->folder.path() / "pid.o")) << "the rest stays, for keep_objects()";

  finish_build(place->folder.path(), "others");
  ASSERT_TRUE(cache_.keep_kernel(multi, place->folder.path()));
  EXPECT_EQ(*read_file(multi.vmlinux()), "bits") << "a kernel that is there is not replaced";
  EXPECT_FALSE(fs::exists(place->folder.path() / "vmlinux"));

  fs::remove(multi.bzimage());
  finish_build(place->folder.path(), "others");
  ASSERT_TRUE(cache_.keep_kernel(multi, place->folder.path()));
  EXPECT_EQ(*read_file(multi.vmlinux()), "bits");
  EXPECT_TRUE(fs::exists(multi.bzimage())) << "but it gets what it lacked";
}

TEST_F(Cache, HalfABuildIsNoKernel) {
  auto place = cache_.build_place(std::string(64, 'f'));
  ASSERT_TRUE(place) << place.error().message;
  write(place->folder.path() / "vmlinux", "bits");
  EXPECT_FALSE(cache_.keep_kernel(kernel("multi", 'a'), place->folder.path()));
  EXPECT_FALSE(cache_.is_built(kernel("multi", 'a')));
}

/// The cache with objects of a few kernels.
class Objects : public Cache {
 protected:
  void keep(const std::string& profile, const Kernel& built, const std::string& vmlinux = "bits") {
    auto place = cache_.build_place(std::string(64, 'f'));
    ASSERT_TRUE(place) << place.error().message;
    finish_build(place->folder.path(), vmlinux);
    write(place->folder.path() / "pid.o", vmlinux);
    ASSERT_TRUE(cache_.keep_kernel(built, place->folder.path()));
    const auto kept = cache_.keep_objects(profile, built, std::move(place->folder));
    ASSERT_TRUE(kept) << kept.error().message;
  }
  /// Makes objects look as if they had been used so many hours ago.
  void used(const std::string& profile, const Kernel& kernel, int hours_ago) {
    fs::last_write_time(root_.path() / "objects" / (profile + "-" + kernel.name + "-" + kernel.hash),
                        fs::file_time_type::clock::now() - std::chrono::hours(hours_ago));
  }
  Result<bool> copy(const std::string& profile, const Kernel& kernel) {
    fs::remove_all(root_.path() / "copy");
    fs::create_directories(root_.path() / "copy");
    return cache_.copy_objects(profile, kernel, root_.path() / "copy");
  }
};

TEST_F(Objects, OfAModelAndProfileThoseThatWereUsedLastAreKept) {
  for (const char digit : {'a', 'b', 'c'}) {
    keep("lean", kernel("multi", digit));
    used("lean", kernel("multi", digit), 'z' - digit);  // a is the oldest
  }
  keep("lean", kernel("multi-twin", 'd'));
  keep("mini", kernel("multi", 'e'));
  EXPECT_EQ(names_in("objects").size(), 5U);
  EXPECT_TRUE(*copy("lean", kernel("multi", 'a'))) << "now b is the oldest";
  keep("lean", kernel("multi", 'f'));
  EXPECT_FALSE(cache_.has_objects("lean", kernel("multi", 'b')));
  for (const char digit : {'a', 'c', 'f'}) EXPECT_TRUE(cache_.has_objects("lean", kernel("multi", digit))) << digit;
  EXPECT_TRUE(cache_.has_objects("lean", kernel("multi-twin", 'd'))) << "another model, though its name starts alike";
  EXPECT_TRUE(cache_.has_objects("mini", kernel("multi", 'e'))) << "another profile";
  EXPECT_THAT(names_in("tmp"), testing::IsEmpty());

  EXPECT_TRUE(*copy("lean", kernel("multi", 'f')));
  EXPECT_TRUE(fs::exists(root_.path() / "copy/pid.o"));
  EXPECT_FALSE(fs::exists(root_.path() / "copy/vmlinux.o")) << "a link makes it anew";
  EXPECT_FALSE(*copy("lean", kernel("multi", 'b'))) << "they are gone";
}

TEST_F(Objects, ThatAnotherProcessCopiesAreNotRemoved) {
  for (const char digit : {'a', 'b', 'c'}) {
    keep("lean", kernel("multi", digit));
    used("lean", kernel("multi", digit), 'z' - digit);
  }
  {
    const auto copying = FileLock::attempt(root_.path() / "locks" / ("lean-multi-" + std::string(64, 'a')));
    ASSERT_TRUE(copying && *copying);
    keep("lean", kernel("multi", 'd'));
    EXPECT_EQ(names_in("objects").size(), 4U) << "one too many, for now";
  }
  keep("lean", kernel("multi", 'e'));
  EXPECT_EQ(names_in("objects").size(), 3U);
  EXPECT_FALSE(cache_.has_objects("lean", kernel("multi", 'a')));
  EXPECT_FALSE(cache_.has_objects("lean", kernel("multi", 'b')));
}

TEST_F(Objects, OfAKernelThatIsBuiltAnewReplaceTheOldOnes) {
  keep("lean", kernel("multi", 'a'), "damaged");
  keep("lean", kernel("multi", 'a'), "whole");
  EXPECT_TRUE(*copy("lean", kernel("multi", 'a')));
  EXPECT_EQ(*read_file(root_.path() / "copy/pid.o"), "whole");
  EXPECT_EQ(names_in("objects").size(), 1U);
  EXPECT_THAT(names_in("tmp"), testing::IsEmpty());
}

TEST_F(Objects, ThatWereWrittenToAreNotUsed) {
  keep("lean", kernel("multi", 'a'));
  ASSERT_TRUE(*copy("lean", kernel("multi", 'a')));
  write(root_.path() / "objects" / ("lean-multi-" + std::string(64, 'a')) / "pid.o", "BITS");
  EXPECT_FALSE(*copy("lean", kernel("multi", 'a')));
  EXPECT_FALSE(cache_.has_objects("lean", kernel("multi", 'a')));
  EXPECT_THAT(names_in("tmp"), testing::IsEmpty());
  keep("lean", kernel("multi", 'a'));
  EXPECT_TRUE(*copy("lean", kernel("multi", 'a')));
}

// A clock that was ahead would otherwise protect a folder until that time comes.
TEST_F(Objects, LastUsedInTheFutureAreTheFirstToGo) {
  for (const char digit : {'a', 'b', 'c'}) {
    keep("lean", kernel("multi", digit));
    used("lean", kernel("multi", digit), digit == 'b' ? -1000 : 1);
  }
  keep("lean", kernel("multi", 'd'));
  EXPECT_FALSE(cache_.has_objects("lean", kernel("multi", 'b')));
  EXPECT_EQ(names_in("objects").size(), 3U);
}

TEST_F(Objects, FromTheFutureAreOfAMomentAgoInTheCopy) {
  using namespace std::chrono_literals;
  keep("lean", kernel("multi", 'a'));
  const fs::path kept = root_.path() / "objects" / ("lean-multi-" + std::string(64, 'a'));
  const auto now = fs::file_time_type::clock::now();
  write(kept / "old", "");
  fs::last_write_time(kept / "old", now - 48h);
  fs::last_write_time(kept / "pid.o", now + 48h);
  fs::create_symlink("/nowhere", kept / "link");
  write(root_.path() / "seals" / kept.filename(), *hash_tree(kept));
  const auto copied = copy("lean", kernel("multi", 'a'));
  ASSERT_TRUE(copied) << copied.error().message;
  write(root_.path() / "copy/.config", "");
  EXPECT_LT(fs::last_write_time(root_.path() / "copy/pid.o"), fs::last_write_time(root_.path() / "copy/.config"));
  EXPECT_GT(fs::last_write_time(root_.path() / "copy/pid.o"), now - 1h);
  EXPECT_EQ(fs::last_write_time(root_.path() / "copy/old"), fs::last_write_time(kept / "old"));
}

TEST_F(Cache, WhatAKilledBuildLeftIsSweptByTheNextOfItsFamily) {
  const std::string family(64, 'f');
  for (const char* left : {"build-ffffffffffffffff/pid.o", "build-ffffffffffffffff.Abc123/vmlinux", "build-0/pid.o"}) {
    fs::create_directories((root_.path() / "tmp" / left).parent_path());
    write(root_.path() / "tmp" / left, "");
  }
  const auto place = cache_.build_place(family);
  ASSERT_TRUE(place) << place.error().message;
  EXPECT_TRUE(fs::is_empty(place->folder.path()));
  EXPECT_THAT(names_in("tmp"), ElementsAre("build-0", "build-ffffffffffffffff"));
}

// Another tarball of the same length may be given the time of the first.
TEST_F(Cache, ATarballThatLooksTheSameIsReadAgain) {
  const fs::path tarball = root_.path() / "linux.tar";
  write(tarball, "one");
  const auto time = fs::last_write_time(tarball);
  const auto one = cache_.source_hash(tarball);
  std::ofstream(tarball) << "two";
  fs::last_write_time(tarball, time);
  EXPECT_NE(*cache_.source_hash(tarball), *one);
}

TEST_F(Cache, ATarballIsReadOnceUntilItChanges) {
  const fs::path tarball = root_.path() / "linux.tar";
  write(tarball, "one");
  const auto hash = cache_.source_hash(tarball);
  ASSERT_TRUE(hash) << hash.error().message;
  ASSERT_EQ(names_in("source-hashes").size(), 1U);
  const fs::path remembered = root_.path() / "source-hashes" / *names_in("source-hashes").begin();
  write(remembered, std::string(64, '7'));
  EXPECT_EQ(*cache_.source_hash(tarball), std::string(64, '7')) << "it is not read again";
  write(tarball, "another length");
  EXPECT_NE(*cache_.source_hash(tarball), std::string(64, '7'));
  EXPECT_NE(*cache_.source_hash(tarball), *hash);
  EXPECT_EQ(cache_.source_hash(root_.path() / "none").error().exit, Exit::machine);
}

class Sources : public Cache {
 protected:
  Sources() {
    fs::create_directories(source);
    write(source / "Makefile", "VERSION = 6\nPATCHLEVEL = 12\nmrproper:\n");
    hash = *cache_.source_hash(source);
  }

  const fs::path source = root_.path() / "source";
  std::string hash;
};

TEST_F(Sources, AreUnpackedOnceForEachSeries) {
  const Patch patch = {"1.patch", "--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+new\n"};
  const auto pristine = cache_.source_tree(source, "6.12", hash, {});
  ASSERT_TRUE(pristine) << pristine.error().message;
  const auto patched = cache_.source_tree(source, "6.12", hash, {patch});
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_FALSE(fs::exists(*pristine / "new.c"));
  EXPECT_TRUE(fs::exists(*patched / "new.c"));
  EXPECT_LT(fs::last_write_time(*patched / "new.c"), fs::file_time_type::clock::now() - std::chrono::years(1))
      << "older than objects that were made of it before";
  EXPECT_THAT(names_in("tmp"), testing::IsEmpty());

  fs::remove_all(source);
  EXPECT_EQ(*cache_.source_tree(source, "6.12", hash, {patch}), *patched);
}

// Somebody who looks for a bug adds a line to the unpacked tree, and forgets it there.
TEST_F(Sources, ThatWereWrittenToAreMadeAnew) {
  const fs::path tree = *cache_.source_tree(source, "6.12", hash, {});
  EXPECT_TRUE(cache_.check_source_tree(tree));
  const auto time = fs::last_write_time(tree / "Makefile");
  const std::string before = *read_file(tree / "Makefile");
  std::string after = before;
  after[0] = 'W';
  for (const auto& change : std::initializer_list<std::function<void()>>{
           [&] { std::ofstream(tree / "Makefile") << after; },
           [&] {  // with the size and the time that it had
             std::ofstream(tree / "Makefile") << after;
             fs::last_write_time(tree / "Makefile", time);
           },
           [&] { std::ofstream(tree / "pid.h") << ""; }, [&] { fs::remove(tree / "Makefile"); },
           [&] { fs::create_symlink("/dev/null", tree / "link"); }}) {
    change();
    const auto said = cache_.check_source_tree(tree);
    ASSERT_FALSE(said);
    EXPECT_EQ(said.error().exit, Exit::user);
    ASSERT_EQ(*cache_.source_tree(source, "6.12", hash, {}), tree);
    EXPECT_EQ(*read_file(tree / "Makefile"), before);
    EXPECT_EQ(std::distance(fs::directory_iterator(tree), fs::directory_iterator()), 1);
    EXPECT_TRUE(cache_.check_source_tree(tree));
  }
  EXPECT_THAT(names_in("tmp"), testing::IsEmpty());
}

}  // namespace
}  // namespace nslab
