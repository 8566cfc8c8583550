// SPDX-License-Identifier: GPL-2.0
#include "given_kernel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"
#include "kernel_build.h"
#include "processes.h"

namespace nslab {
namespace {
namespace fs = std::filesystem;

using testing::HasSubstr;

TEST(GivenKernel, IsNamedByWhereItComesFrom) {
  for (const char* name : {"debian:6.12.117", "debian:6.1", "image:/boot/vmlinuz", "tree:."})
    EXPECT_TRUE(names_given_kernel(name));
  for (const char* name : {"multi", "flat+cache", "image", "debian"}) EXPECT_FALSE(names_given_kernel(name));
}

/// Programs are looked for in this folder while it lives.
struct Path {
  explicit Path(const fs::path& path) { set_program_path(path.string()); }
  ~Path() { set_program_path(""); }
};

TEST(DebianKernel, IsTheNewestOfWhatIsAskedFor) {
  const TempFolder bin = *TempFolder::make(testing::TempDir(), "apt");
  ASSERT_TRUE(write_file(bin.path() / "apt-cache", R"(#!/bin/sh
if [ "$1" = pkgnames ]; then
  for name in 6.1.0-9-cloud-amd64 6.1.0-9-cloud-amd64-dbg 6.12.99+deb12-cloud-amd64 6.12.100+deb12-cloud-amd64 \
    cloud-amd64 6.12.100+deb12-amd64; do echo linux-image-$name; done
  exit
fi
shift
for name in "$@"; do
  case $name in
    *6.1.0-9-*) versions="6.1.8-1 6.1.9-2" ;;
    *6.12.99*) versions=6.12.99-1~deb12u1 ;;
    *6.12.100*) versions=6.12.100-1~deb12u1 ;;
    *) exit 1 ;;
  esac
  for version in $versions; do
    printf 'Package: %s\nVersion: %s\nDescription: x\n Version: 9\nSHA256: hash-of-%s-%s\n\n' $name $version $name $version
  done
done
)"));
  fs::permissions(bin.path() / "apt-cache", fs::perms::owner_all);
  fs::create_symlink("/usr/bin/dpkg", bin.path() / "dpkg");
  const Path path(bin.path());
  const auto find = [](const std::string& name) {
    const KernelSpec spec{{}, {}, {.name = name, .description = "", .config = {}}};
    return find_given_kernel(spec, "", KernelCache("/nowhere"), {});
  };
  const auto package = [&](const std::string& name) {
    const auto kernel = find(name);
    EXPECT_TRUE(kernel) << kernel.error().message;
    return kernel ? kernel->what : "";
  };
  EXPECT_EQ(package("debian:6.12"), "linux-image-6.12.100+deb12-cloud-amd64 6.12.100-1~deb12u1");
  EXPECT_EQ(package("debian:6.12.99"), "linux-image-6.12.99+deb12-cloud-amd64 6.12.99-1~deb12u1");
  EXPECT_EQ(package("debian:6.1"), "linux-image-6.1.0-9-cloud-amd64 6.1.9-2") << "and no 6.12";
  EXPECT_EQ(package("debian:6.1.8"), "linux-image-6.1.0-9-cloud-amd64 6.1.8-1");
  EXPECT_EQ(package("debian:6.12.100+deb12-amd64"), "linux-image-6.12.100+deb12-amd64 6.12.100-1~deb12u1");
  EXPECT_EQ(std::get<DebianPackage>(find("debian:6.1.8")->from).sha256,
            "hash-of-linux-image-6.1.0-9-cloud-amd64-6.1.8-1");
  EXPECT_NE(find("debian:6.1.8")->hash, find("debian:6.1")->hash);
  EXPECT_THAT(find("debian:6.5").error().message,
              HasSubstr("apt has no kernel '6.5' for clouds; it has 6.1.8, 6.1.9, 6.12.100, 6.12.99"));
}

class Image : public testing::Test {
 protected:
  Image() { EXPECT_TRUE(write_file(file_, "no kernel")); }

  static KernelSpec spec_of(const std::string& name) {
    return {{}, {}, {.name = name, .description = "", .config = {}}};
  }
  Result<GivenKernel> find(const std::string& name) const { return find_given_kernel(spec_of(name), "", cache_, {}); }

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
