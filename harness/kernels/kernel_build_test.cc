// SPDX-License-Identifier: GPL-2.0
#include "kernel_build.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace nslab {
namespace {

TEST(Manifest, IsReadAndSaidToBeDamagedWhenItIs) {
  const auto folder = TempFolder::make(std::filesystem::temp_directory_path(), "kernel-build-test");
  ASSERT_TRUE(folder);
  const Kernel kernel{.name = "multi", .hash = "12ab", .folder = folder->path()};
  EXPECT_FALSE(read_manifest(kernel)) << "there is none";

  ASSERT_TRUE(write_file(kernel.manifest(), R"({"hash": "12ab", "model": "multi"})"));
  const auto read = read_manifest(kernel);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->at("model"), "multi");

  ASSERT_TRUE(write_file(kernel.manifest(), R"({"hash": "12)"));
  const auto damaged = read_manifest(kernel);
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find("is damaged"), std::string::npos);
}

}  // namespace
}  // namespace nslab
