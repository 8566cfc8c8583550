// SPDX-License-Identifier: GPL-2.0
#include "kernel_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "files.h"

namespace nslab {
namespace {

Result<KernelTable> table_of(const std::string& models) {
  const auto folder = TempFolder::make(testing::TempDir(), "nslab-table");
  EXPECT_TRUE(write_file(folder->path() / "kernels.toml", models));
  return load_kernel_table(folder->path());
}

TEST(KernelTable, KinIsTheModelItNames) {
  const auto table = table_of(R"(
[model.flat]
description = "two levels"
kin = "multi"
[model.multi]
description = "mainline"
config = ["CONFIG_PID_NS=y"]
)");
  ASSERT_TRUE(table) << table.error().message;
  ASSERT_TRUE(table->model("flat")->kin);
  EXPECT_EQ(table->model("flat")->kin->name, "multi");
  EXPECT_EQ(table->model("flat")->kin->config, std::vector<std::string>{"CONFIG_PID_NS=y"});
  EXPECT_TRUE(table->model("flat")->kin->has_kin);
  EXPECT_FALSE(table->model("flat")->has_kin);
  EXPECT_TRUE(table->model("multi")->has_kin);
  EXPECT_FALSE(table->model("multi")->kin);
}

TEST(KernelTable, KinOfKinIsRefused) {
  const auto chain = table_of(R"(
[model.a]
description = "a"
kin = "b"
[model.b]
description = "b"
kin = "c"
[model.c]
description = "c"
)");
  ASSERT_FALSE(chain);
  EXPECT_EQ(chain.error().exit, Exit::user);
  EXPECT_THAT(chain.error().message, testing::HasSubstr("'kin' of model 'a' is 'b'"));
  const auto unknown = table_of("[model.a]\ndescription = \"a\"\nkin = \"z\"\n");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, testing::HasSubstr("'kin' of model 'a' is 'z'"));
}

}  // namespace
}  // namespace nslab
