// SPDX-License-Identifier: GPL-2.0
#include "execute_boot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"
#include "hash.h"

namespace nslab {
namespace {

namespace fs = std::filesystem;

// Boots that succeed are tests/lab_test.cc's. This one's kernel is none, so that QEMU gives up.
TEST(ExecuteBoot, AFailedBootIsKeptForTheUser) {
  const auto folder = TempFolder::make(testing::TempDir(), "execute-boot");
  ASSERT_TRUE(folder) << folder.error().message;
  Prepared prepared;
  prepared.image.file = folder->path() / "initramfs";
  prepared.kernels["multi"] = {.name = "multi", .hash = "abc", .folder = folder->path() / "kernel"};
  for (const fs::path& file : {prepared.image.file, prepared.kernels["multi"].vmlinux()}) {
    fs::create_directories(file.parent_path());
    ASSERT_TRUE(write_file(file, "neither a kernel nor an initramfs"));
  }
  prepared.image.hash = *sha256_file(prepared.image.file);
  const Kernel& kernel = prepared.kernels["multi"];
  ASSERT_TRUE(write_file(kernel.sizes(), "{}"));
  ASSERT_TRUE(
      write_file(kernel.manifest(), fmt::format(R"({{"hash": "abc", "vmlinux_sha256": "{}", "sizes_sha256": "{}"}})",
                                                prepared.image.hash, *sha256_file(kernel.sizes()))));
  prepared.plugins = NSLAB_PLUGINS;
  BootPlan plan;
  plan.kernel = "multi";
  plan.seed = 7;

  const auto record = execute_boot(prepared, plan, folder->path() / "scratch", folder->path() / "failed");
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().exit, Exit::says_no) << "the other kernels may boot";
  const fs::path kept = folder->path() / "failed/multi-seed7";
  EXPECT_THAT(record.error().message, testing::StartsWith("multi, seed 7: QEMU gave up: "));
  EXPECT_THAT(record.error().message, testing::EndsWith("\nthe boot's files are in " + kept.string()));
  EXPECT_EQ(*read_file(kept / "plan.json"), plan.to_json());
  EXPECT_TRUE(fs::exists(kept / "qemu.log"));
  EXPECT_TRUE(fs::is_empty(folder->path() / "scratch/tmp"));

  // What another program exchanges while the run goes on is not booted.
  ASSERT_TRUE(write_file(kernel.vmlinux(), "another kernel"));
  const auto exchanged = execute_boot(prepared, plan, folder->path() / "scratch", folder->path() / "failed");
  ASSERT_FALSE(exchanged);
  EXPECT_EQ(exchanged.error().exit, Exit::machine);
  EXPECT_THAT(exchanged.error().message, testing::HasSubstr("was changed while the run used it"));
}

}  // namespace
}  // namespace nslab
