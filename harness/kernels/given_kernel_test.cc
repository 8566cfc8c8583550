// SPDX-License-Identifier: GPL-2.0
#include "given_kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"
#include "kernel_build.h"

namespace nslab {
namespace {
namespace fs = std::filesystem;

using testing::HasSubstr;

TEST(GivenKernel, IsNamedByWhereItComesFrom) {
  for (const char* name : {"debian:6.12.117", "debian:6.1", "image:/boot/vmlinuz", "tree:."})
    EXPECT_TRUE(names_given_kernel(name));
  for (const char* name : {"multi", "flat+cache", "image", "debian"}) EXPECT_FALSE(names_given_kernel(name));
}

class Image : public testing::Test {
 protected:
  Image() { EXPECT_TRUE(write_file(file_, "no kernel")); }

  static KernelSpec spec_of(const std::string& name) {
    return {{}, {}, {.name = name, .description = "", .config = {}}};
  }
  Result<GivenKernel> find(const std::string& name) const { return find_given_kernel(spec_of(name), "", cache_); }

  TempFolder folder_ = *TempFolder::make(testing::TempDir(), "given");
  fs::path file_ = folder_.path() / "a,b";
  KernelCache cache_{folder_.path() / "cache"};
};

TEST_F(Image, HasAHashOfItsBytesAndItsMap) {
  const auto plain = find("image:" + file_.string());
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(std::get<KernelImage>(plain->from).file, file_);
  const fs::path map = folder_.path() / "map";
  ASSERT_TRUE(write_file(map, ""));
  const auto with_map = find(fmt::format("image:{},map={}", file_.string(), map.string()));
  ASSERT_TRUE(with_map) << with_map.error().message;
  EXPECT_EQ(std::get<KernelImage>(with_map->from).file, file_);
  EXPECT_NE(with_map->hash, plain->hash);
  ASSERT_TRUE(write_file(file_, "another"));
  EXPECT_NE(find("image:" + file_.string())->hash, plain->hash);
  EXPECT_EQ(find("image:/nowhere").error().exit, Exit::user);
}

TEST_F(Image, ThatIsNoneIsNotKept) {
  KernelSpec spec = spec_of("image:" + file_.string());
  spec.given = *find(spec.model.name);
  const auto kernel = provide_kernel(spec, cache_, 1);
  ASSERT_FALSE(kernel);
  EXPECT_EQ(kernel.error().exit, Exit::user);
  EXPECT_THAT(kernel.error().message, HasSubstr("is no kernel for x86"));
  EXPECT_TRUE(entries_of(folder_.path() / "cache/tmp").value().empty());
  EXPECT_FALSE(is_there(folder_.path() / "cache/kernels"));
}

}  // namespace
}  // namespace nslab
