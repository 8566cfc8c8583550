// SPDX-License-Identifier: GPL-2.0
#include "kernel_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

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
    for (const char* name : {"System.map", ".config", "build.log", "sizes.json", "manifest.json", "vmlinux.o", "pid.o"})
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
}

TEST_F(Cache, HalfABuildIsNoKernel) {
  auto place = cache_.build_place(std::string(64, 'f'));
  ASSERT_TRUE(place) << place.error().message;
  write(place->folder.path() / "vmlinux", "bits");
  EXPECT_FALSE(cache_.keep_kernel(kernel("multi", 'a'), place->folder.path()));
  EXPECT_FALSE(cache_.is_built(kernel("multi", 'a')));
}

TEST_F(Cache, OfAModelAndProfileTheLastObjectsAreKept) {
  const auto keep = [&](const std::string& profile, const Kernel& built) {
    auto place = cache_.build_place(std::string(64, 'f'));
    ASSERT_TRUE(place) << place.error().message;
    finish_build(place->folder.path(), "bits");
    ASSERT_TRUE(cache_.keep_kernel(built, place->folder.path()));
    ASSERT_TRUE(cache_.keep_objects(profile, built, std::move(place->folder)));
  };
  keep("lean", kernel("multi", 'a'));
  keep("lean", kernel("multi-twin", 'b'));
  keep("mini", kernel("multi", 'c'));
  keep("lean", kernel("multi", 'd'));
  EXPECT_FALSE(cache_.has_objects("lean", kernel("multi", 'a')));
  EXPECT_TRUE(cache_.has_objects("lean", kernel("multi", 'd')));
  EXPECT_TRUE(cache_.has_objects("lean", kernel("multi-twin", 'b'))) << "another model, though its name starts alike";
  EXPECT_TRUE(cache_.has_objects("mini", kernel("multi", 'c'))) << "another profile";
  EXPECT_EQ(names_in("objects").size(), 3U);
  EXPECT_THAT(names_in("tmp"), testing::IsEmpty());

  const fs::path copy = root_.path() / "copy";
  fs::create_directories(copy);
  ASSERT_TRUE(cache_.copy_objects("lean", kernel("multi", 'd'), copy));
  EXPECT_TRUE(fs::exists(copy / "pid.o"));
  EXPECT_FALSE(fs::exists(copy / "vmlinux.o")) << "a link makes it anew";
  EXPECT_FALSE(cache_.copy_objects("lean", kernel("multi", 'a'), copy));
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

TEST_F(Cache, ASourceTreeIsMadeOnceForEachSeries) {
  const fs::path source = root_.path() / "source";
  fs::create_directories(source);
  write(source / "Makefile", "VERSION = 6\nPATCHLEVEL = 12\nmrproper:\n");
  const Patch patch = {"1.patch", "--- /dev/null\n+++ b/new.c\n@@ -0,0 +1 @@\n+new\n"};
  const auto pristine = cache_.source_tree(source, "hash", {});
  ASSERT_TRUE(pristine) << pristine.error().message;
  const auto patched = cache_.source_tree(source, "hash", {patch});
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_FALSE(fs::exists(*pristine / "new.c"));
  EXPECT_TRUE(fs::exists(*patched / "new.c"));
  EXPECT_THAT(names_in("tmp"), testing::IsEmpty());

  fs::remove_all(source);
  EXPECT_EQ(*cache_.source_tree(source, "hash", {patch}), *patched);
}

}  // namespace
}  // namespace nslab
